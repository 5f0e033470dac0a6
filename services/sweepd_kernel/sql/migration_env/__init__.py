"""The environment that migrations run in."""
