"""Agents: their streams, what they hold and for how long, and what they report."""
