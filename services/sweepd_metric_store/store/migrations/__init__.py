"""How metric databases of older versions are brought up to this one."""
