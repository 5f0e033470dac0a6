"""Search methods, which compute the next point of a sweep from an index and the seed."""
