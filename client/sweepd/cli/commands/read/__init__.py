"""Commands that read from a server."""
