"""Agents: their streams, attempts, leases and reports."""
