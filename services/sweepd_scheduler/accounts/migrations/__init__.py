"""How older databases of accounts are brought up."""
