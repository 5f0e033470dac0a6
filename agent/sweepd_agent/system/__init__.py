"""Samples of processors, memory and devices, taken beside the runs."""
