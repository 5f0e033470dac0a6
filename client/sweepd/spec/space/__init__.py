"""The search space: which points there are, how many, and drawing them."""
