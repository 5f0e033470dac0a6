"""Model-based search. Only modules for the worker processes import numpy, to keep the service small."""
