"""Distributions of parameters: quantiles and supports."""
