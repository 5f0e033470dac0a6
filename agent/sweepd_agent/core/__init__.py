"""What the agent decides, free of processes, streams, files and clocks."""
