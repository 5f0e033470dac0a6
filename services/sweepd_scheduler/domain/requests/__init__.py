"""Requests of clients and their effects on the state."""
