"""Counterparts of modules and classes of W&B's package."""
