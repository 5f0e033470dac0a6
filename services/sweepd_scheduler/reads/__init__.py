"""Reads outside the owner loop: watches, prior runs, importance of parameters, and reading of sweep files."""
