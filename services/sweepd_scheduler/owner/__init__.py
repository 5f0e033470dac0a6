"""Owner of the state, which decides events, stores the changes and executes the effects."""
