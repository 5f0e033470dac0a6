"""The gateway: the one address for people and for agents of other hosts."""
