"""Basis of every server of sweepd: start, supervision, serving, authentication, errors, clock, database."""
