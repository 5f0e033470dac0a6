"""The gateway: the one door for people and for agents of other hosts."""
