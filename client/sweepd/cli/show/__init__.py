"""Texts about one sweep or one run, for people."""
