"""What every server of sweepd needs: start-up, interceptors, errors, clock, database, supervision."""
