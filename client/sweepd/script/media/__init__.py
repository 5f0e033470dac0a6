"""Media of a run: what a script wraps its pictures, sounds and tables in."""
