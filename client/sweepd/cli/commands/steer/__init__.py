"""Commands that change sweeps and runs."""
