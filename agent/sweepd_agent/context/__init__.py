"""What is recorded of a run by itself: command, repository, interpreter and packages, host and devices."""
