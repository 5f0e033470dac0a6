"""The scheduler: state of sweeps, runs, agents and accounts."""
