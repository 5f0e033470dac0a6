"""Context recorded for each run: command, repository, interpreter, packages, host and usage samples."""
