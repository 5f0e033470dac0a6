"""Output of sweepctl: formats, tables for terminals, CSV, YAML."""
