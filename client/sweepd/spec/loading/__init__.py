"""Loading of bytes or a Python mapping into a document tree with source positions, and its typed values."""
