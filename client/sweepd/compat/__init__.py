"""Lets scripts that were written for another product's module run with sweepd, without a change."""
