"""Table of the keys of a sweep file, from which reader, schema, documents, messages and output derive."""
