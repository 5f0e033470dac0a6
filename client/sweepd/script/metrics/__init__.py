"""From the values that a script logs to the lines of the metrics file."""
