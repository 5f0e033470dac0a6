"""Loaders of files and Python mappings into document trees, and typed readers of their values."""
