"""Limits of the language; a file that exceeds a limit is rejected with a message that names it."""

from typing import Final

MAX_FILE_BYTES: Final = 3 * 1024 * 1024
MAX_SPEC_BYTES: Final = 3_300_000
"""Largest sweep, as JSON with aliases expanded, so that it fits into a message of 4 MiB."""

MAX_CONSTRAINTS: Final = 100
"""Most `constraints`: each is evaluated for every point, and for thousands of draws in a check."""

MAX_CONDITIONS: Final = 1_000
"""Most `when` of a sweep."""

MAX_POINT_BYTES: Final = 512 * 1024
"""Largest canonical JSON of the parameters of one run."""

MAX_DEPTH: Final = 30
"""Deepest nesting of mappings and lists; each nested parameter group uses two levels.

A level becomes up to three levels of protobuf messages, and parsers accept 100 of those.
"""

MAX_WEIGHT: Final = 250_000
"""Most entries of a document after its aliases are expanded; long text counts once per 64 characters."""

TEXT_PER_WEIGHT: Final = 64

MAX_NUMBER_LENGTH: Final = 400
"""Longest number as written: enough for every double, and short enough to parse quickly."""

LONGEST_NUMBER: Final = 24
"""Most characters of a double or a 64-bit integer, in JSON and in Python."""

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

MAX_INT_CHOICES: Final = 2**63 - 1
"""Most values of one `int_uniform`: the largest length of a sequence on 64-bit platforms."""

MAX_QUANTA: Final = 2**53
"""Most multiples of `q` between zero and a quantised value: doubles cannot distinguish more."""

MAX_BETA_SHAPE: Final = 1e6
MAX_HALVINGS: Final = 1_000
"""Largest `s` of hyperband."""

MAX_MIN_ITER_RUNGS: Final = 100
MAX_NAME_LENGTH: Final = 256
"""Longest name of a metric or a parameter, in characters."""

MAX_ERRORS: Final = 500
"""Errors after which reading of a file stops."""

MAX_MACRO_WARNINGS: Final = 50
MAX_ARGUMENT_BYTES: Final = 128 * 1024 - 1
"""Longest single argument that Linux passes to a process."""

DEFAULT_ROOM_BYTES: Final = 2 * 1024 * 1024
"""Bytes of arguments and environment that Linux passes in total, with the usual stack limit of 8 MiB."""

MAX_ITERATIONS: Final = 2**32 - 1
"""Largest iteration that a rule of early termination may name."""

MAX_RULES: Final = 16
"""Most rules of early termination."""

MAX_REPEATS: Final = 1_000
MAX_RETRIES: Final = 100
MAX_AGENT_FAILURES: Final = 1_000
"""Largest `guard.agent`."""

MAX_LABELS: Final = 64
"""Most entries of `tags`, and of `requires`."""

MAX_LABEL_LENGTH: Final = 128
MAX_METADATA_BYTES: Final = 64 * 1024
MAX_TIMEOUT_DAYS: Final = 3_650
MAX_SOBOL_DIMENSIONS: Final = 1_024
"""Most free parameters of the method `sobol`: the number of dimensions with direction numbers."""

MAX_EXPRESSION_LENGTH: Final = 1_000
"""Longest expression, in characters."""

MAX_PATH_LENGTH: Final = 4_096
"""Longest path of a file or folder of metrics, in characters."""

MAX_EXPRESSION_DEPTH: Final = 30
"""Deepest nesting inside an expression: parentheses, lists, calls, signs, `not` and powers of powers."""
