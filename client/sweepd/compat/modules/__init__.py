"""Modules and classes of W&B's package, as far as sweepd has them."""
