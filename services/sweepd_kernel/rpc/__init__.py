"""Serving gRPC: listener, interceptors, limits, connections, errors as statuses."""
