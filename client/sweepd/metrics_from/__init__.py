"""External metrics, read from output, files and TensorBoard event files.

Standard library only, because agents use it; `sweepctl metrics test` shows what an agent would read.
"""
