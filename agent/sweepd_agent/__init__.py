"""The agent: runs training processes for the scheduler."""
