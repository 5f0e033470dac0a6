"""Library for training scripts: configuration, rows, run folder. Standard library only."""
