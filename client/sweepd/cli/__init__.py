"""The command line `sweepctl`."""
