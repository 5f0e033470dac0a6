"""Texts for people about sweeps and runs, and their live progress."""
