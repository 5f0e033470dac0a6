"""Standalone runs: the folder of a script, claimed and drained by an agent of its own."""
