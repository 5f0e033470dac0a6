"""Hand-outs: which run goes to which agent."""
