"""Database of the scheduler: its tables, the owner's store and the readers' records."""
