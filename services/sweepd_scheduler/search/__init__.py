"""Adapters of the search: the client of the suggestion service."""
