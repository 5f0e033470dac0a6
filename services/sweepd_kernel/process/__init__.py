"""Processes of a server: start of a service, supervision of all services, daemon and data folder."""
