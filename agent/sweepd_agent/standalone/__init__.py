"""Standalone runs: folders created by scripts, each claimed and drained by a separate agent."""
