"""Compatibility with scripts that were written for W&B's module."""
