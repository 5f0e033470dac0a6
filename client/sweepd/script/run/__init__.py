"""Run of a script: its configuration, summary, names and files."""
