"""Views of sweeps, runs, agents and files, which sweepctl and the Python objects share."""
