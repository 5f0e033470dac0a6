"""The suggestion service: model-based search."""
