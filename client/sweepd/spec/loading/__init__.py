"""From bytes, or a Python mapping, to a document tree that knows its places, and typed values of it."""
