"""What the metric store decides, free of I/O."""
