"""Commands that show what a server knows."""
