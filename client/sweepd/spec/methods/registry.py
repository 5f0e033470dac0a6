"""Registry of the search methods, by the words that `method` has in a file."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sweepd.spec.methods.bayes import BAYES
from sweepd.spec.methods.grid import GRID
from sweepd.spec.methods.listed import LIST
from sweepd.spec.methods.random_points import RANDOM
from sweepd.spec.methods.sobol import SOBOL
from sweepd.spec.sweep_spec import SearchMethod

METHODS: Final[Mapping[str, SearchMethod]] = MappingProxyType(
    {method.name: method for method in (GRID, RANDOM, BAYES, LIST, SOBOL)}
)
