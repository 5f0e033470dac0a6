"""Stream to the scheduler: connection, dialogue, and the feeds and lanes of attempts."""
