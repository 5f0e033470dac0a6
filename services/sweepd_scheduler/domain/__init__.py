"""Core of the scheduler, free of input and output: events in, changes and effects out."""
