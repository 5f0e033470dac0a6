"""gRPC server: listeners, interceptors, limits, connections, page tokens."""
