"""Standalone runs: folders of scripts, each claimed and drained by its own agent."""
