"""Texts for people about one sweep or one run."""
