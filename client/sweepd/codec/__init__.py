"""Conversion between messages and Python objects."""
