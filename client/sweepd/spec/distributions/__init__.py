"""What a parameter can be drawn from: quantiles, and which values there are."""
