"""The sweep language: a file parsed to a checked specification, its search space and its points. Pure.

Nothing is imported here, so that an agent, which only expands commands, loads no file reader.
"""
