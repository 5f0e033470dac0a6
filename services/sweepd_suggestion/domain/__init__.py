"""The search itself. Only what fits models imports numpy: the service stays light without it."""
