"""`sweepctl`: the command line of sweepd, for people and scripts."""
