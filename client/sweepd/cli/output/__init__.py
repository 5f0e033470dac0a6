"""Output of sweepctl: formats, tables, CSV and YAML."""
