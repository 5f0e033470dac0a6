"""Speed, measured as ratios in one run: the peer or the limit beside us on the same machine."""
