"""The language of `when` and `constraints`."""
