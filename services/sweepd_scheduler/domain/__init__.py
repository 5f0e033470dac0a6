"""What the scheduler decides, free of input and output: events in, changes and effects out."""
