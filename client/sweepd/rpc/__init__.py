"""Connections to a server: where it is, what is presented to it, how a channel is made, how a call fails."""
