"""Database of the scheduler: its tables, the store for the owner, and the records for readers."""
