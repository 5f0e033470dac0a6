"""Kernel of every sweepd server: start, supervision, serving, authentication, errors, clock, database."""
