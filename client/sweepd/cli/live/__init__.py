"""Progress of sweeps and runs, followed until they end."""
