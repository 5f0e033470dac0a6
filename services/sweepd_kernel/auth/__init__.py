"""Authentication and authorisation of calls, independent of the transport."""
