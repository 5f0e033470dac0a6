"""Reads beside the owner: watches, prior runs, importance."""
