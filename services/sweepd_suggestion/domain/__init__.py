"""Model-based search. Only modules that run in worker processes import numpy, to keep the service small."""
