"""Owner of the state: decides events, stores changes and executes effects."""
