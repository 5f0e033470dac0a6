"""Sweep language: parser of sweep files into checked specifications, search spaces and points.

This module imports nothing: agents only expand commands, and must not load the file reader.
"""
