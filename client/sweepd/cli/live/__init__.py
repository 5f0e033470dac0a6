"""Live progress of sweeps and runs."""
