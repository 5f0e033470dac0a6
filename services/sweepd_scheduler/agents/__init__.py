"""Streams of agents: sessions, what goes up to the owner and the metric store, what comes down."""
