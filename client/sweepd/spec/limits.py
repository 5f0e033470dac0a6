"""Limits of the sweep language. Exceeding most of them is an error, whose message names the limit."""

from typing import Final

MAX_FILE_BYTES: Final = 3 * 1024 * 1024
MAX_SPEC_BYTES: Final = 3_300_000
"""Maximum size of a sweep as JSON, with aliases expanded, so that it fits into a message of 4 MiB."""

MAX_CONSTRAINTS: Final = 100
"""Maximum number of `constraints`: each is evaluated for every point, and a check draws thousands."""

MAX_CONDITIONS: Final = 1_000
"""Maximum number of `when` conditions of a sweep."""

MAX_POINT_BYTES: Final = 512 * 1024
"""Maximum size of the canonical JSON of a point."""

MAX_DEPTH: Final = 30
"""Maximum nesting of mappings and lists; each nested parameter group uses two levels.

One level becomes up to three levels of protobuf messages, of which parsers accept 100.
"""

MAX_WEIGHT: Final = 250_000
"""Maximum number of entries of a document, with aliases expanded; each 64 characters of text add one."""

TEXT_PER_WEIGHT: Final = 64

MAX_NUMBER_LENGTH: Final = 400
"""Maximum length of a number as written: enough for every double, and short enough to be parsed quickly."""

LONGEST_NUMBER: Final = 24
"""Maximum number of characters of a double or a 64-bit integer, in JSON and in Python."""

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

MAX_INT_CHOICES: Final = 2**63 - 1
"""Maximum number of values of an `int_uniform`: the greatest length of a sequence in 64-bit Python."""

MAX_QUANTA: Final = 2**53
"""Maximum k of a quantised value k·q: doubles do not distinguish all greater integers."""

MAX_BETA_SHAPE: Final = 1e6
MAX_HALVINGS: Final = 1_000
"""Maximum `s` of the rule `hyperband`."""

MAX_MIN_ITER_RUNGS: Final = 100
MAX_NAME_LENGTH: Final = 256
"""Maximum length of the name of a metric or a parameter, in characters."""

MAX_ERRORS: Final = 500
"""Number of errors after which the reading of a file stops."""

MAX_MACRO_WARNINGS: Final = 50
MAX_ARGUMENT_BYTES: Final = 128 * 1024 - 1
"""Maximum size of one argument of a process on Linux, in bytes."""

DEFAULT_ROOM_BYTES: Final = 2 * 1024 * 1024
"""Maximum total bytes of arguments and environment on Linux, with the usual stack limit of 8 MiB."""

MAX_ITERATIONS: Final = 2**32 - 1
"""Maximum iteration in an early termination rule."""

MAX_RULES: Final = 16
"""Maximum number of early termination rules."""

MAX_REPEATS: Final = 1_000
MAX_RETRIES: Final = 100
MAX_AGENT_FAILURES: Final = 1_000
"""Maximum value of `guard.agent`."""

MAX_LABELS: Final = 64
"""Maximum number of entries of `tags`, and of `requires`."""

MAX_LABEL_LENGTH: Final = 128
MAX_METADATA_BYTES: Final = 64 * 1024
MAX_TIMEOUT_DAYS: Final = 3_650
MAX_SOBOL_DIMENSIONS: Final = 1_024
"""Maximum number of free parameters for `sobol`: the number of dimensions with direction numbers."""

MAX_EXPRESSION_LENGTH: Final = 1_000
"""Maximum length of an expression, in characters."""

MAX_PATH_LENGTH: Final = 4_096
"""Maximum length of a path in `metrics_from`, in characters."""

MAX_EXPRESSION_DEPTH: Final = 30
"""Maximum nesting in an expression: parentheses, lists, calls, signs, `not` and powers of powers."""
