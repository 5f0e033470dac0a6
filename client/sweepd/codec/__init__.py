"""Conversion between Python objects and messages of the contract."""
