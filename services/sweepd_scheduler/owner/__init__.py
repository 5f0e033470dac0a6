"""Owner of the state: it decides, stores, and lets effects go."""
