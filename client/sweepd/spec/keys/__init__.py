"""Table of the keys of a sweep file: reader, schema, documents, messages and output follow from it."""
