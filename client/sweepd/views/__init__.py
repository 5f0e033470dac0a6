"""Views of sweeps, runs, agents and files: one description of each, for sweepctl and Python objects."""
