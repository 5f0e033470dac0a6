"""Suggestion service: model-based search."""
