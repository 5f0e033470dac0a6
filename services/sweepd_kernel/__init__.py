"""Kernel of all services: start, supervision, gRPC server, authentication, errors, clock, database."""
