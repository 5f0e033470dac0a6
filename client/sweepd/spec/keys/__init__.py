"""Keys of a sweep file: their readers, schemas and descriptions."""
