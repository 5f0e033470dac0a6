"""Calls of clients: servicers, and messages from and to what the core knows."""
