"""Expression language of `when` and `constraints`."""
