"""Calls of clients: servicers, and translation between messages and entities of the core."""
