"""Commands of `sweepctl`, each imported on use."""
