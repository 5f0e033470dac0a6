"""Calls of clients: servicers, and conversion between messages and the core's entities."""
