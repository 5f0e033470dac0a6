"""The sweep language: from a file to a checked specification, its search space and its points. Pure.

Nothing is loaded here: an agent, which only expands commands, loads no reader of files.
"""
