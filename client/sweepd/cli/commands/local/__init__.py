"""Commands that start processes on this machine."""
