"""Views of sweeps, runs, agents and files, each described once for sweepctl and for Python objects."""
