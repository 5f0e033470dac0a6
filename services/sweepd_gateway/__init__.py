"""Gateway: the single address for people and for agents on other hosts."""
