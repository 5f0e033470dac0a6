"""Databases: the port and its engines, tables and what is generated from them, schemas and migrations."""
