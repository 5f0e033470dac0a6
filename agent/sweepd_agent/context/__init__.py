"""Context recorded of each run: command, repository, interpreter and packages, host, samples of use."""
