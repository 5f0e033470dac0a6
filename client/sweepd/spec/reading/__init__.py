"""From the bytes of a sweep file to a checked specification, with all that is wrong and where."""
