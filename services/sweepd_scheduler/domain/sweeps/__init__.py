"""Sweeps: what they are, what people do to them, and what keeps them from wasting runs."""
