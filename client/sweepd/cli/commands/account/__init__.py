"""Commands about accounts, settings and sweepctl itself."""
