"""The side of a training script: its configuration, its rows, its run folder. Standard library only."""
