"""Commands of `sweepctl`, each loaded when it is used."""
