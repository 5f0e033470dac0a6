"""The verbs of `sweepctl`, one module each, loaded when the verb is used."""
