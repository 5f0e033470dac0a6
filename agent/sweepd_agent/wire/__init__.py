"""Stream to the scheduler: connection, dialogue, and what each attempt sends."""
