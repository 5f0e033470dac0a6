"""Distributions of parameters: quantiles, and the values that there are."""
