"""Commands that define sweeps; most need no server."""
