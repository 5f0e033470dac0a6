"""Requests of clients: what each changes."""
