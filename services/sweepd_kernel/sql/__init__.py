"""Databases: the port and its engines, table models and code generation, schemas and migrations."""
