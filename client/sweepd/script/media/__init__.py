"""Media of a run: wrapper classes for images, audio, tables and more."""
