"""External metrics: read from output, from files, from TensorBoard event files.

Standard library only: agents read with it, `sweepctl metrics test` shows what they would read.
"""
