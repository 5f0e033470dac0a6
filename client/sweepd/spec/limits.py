"""The bounds of the language; a file beyond one of them is refused with a message that names it."""

from typing import Final

MAX_FILE_BYTES: Final = 3 * 1024 * 1024
MAX_SPEC_BYTES: Final = 3_300_000
"""Largest sweep, as JSON with its aliases expanded: what one message of 4 MiB holds beside the rest."""

MAX_CONSTRAINTS: Final = 100
"""Most `constraints`: each is judged for every point, and for thousands of draws when a file is checked."""

MAX_CONDITIONS: Final = 1_000
"""Most `when` of a sweep."""

MAX_POINT_BYTES: Final = 512 * 1024
"""Largest canonical JSON of the parameters of one run."""

MAX_DEPTH: Final = 30
"""Deepest nesting of mappings and lists; two levels are used by each nested parameter group.

What is deeper would not travel: a level costs up to three levels of messages, and parsers take 100 of those.
"""

MAX_WEIGHT: Final = 250_000
"""Most entries of a document after its aliases are expanded; long text counts once per 64 characters."""

TEXT_PER_WEIGHT: Final = 64

MAX_NUMBER_LENGTH: Final = 400
"""Longest number as written: enough for every double, far below what makes integer parsing slow."""

LONGEST_NUMBER: Final = 24
"""Most characters of a double or a 64-bit integer, in JSON and as Python's text."""

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

MAX_INT_CHOICES: Final = 2**63 - 1
"""Most values of one `int_uniform`: what a sequence can count on every platform."""

MAX_QUANTA: Final = 2**53
"""Most multiples of `q` between zero and a quantised value: beyond, doubles cannot distinguish them."""

MAX_BETA_SHAPE: Final = 1e6
MAX_HALVINGS: Final = 1_000
"""Largest `s` of hyperband."""

MAX_MIN_ITER_RUNGS: Final = 100
MAX_NAME_LENGTH: Final = 256
"""Longest name of a metric or a parameter, in characters."""

MAX_ERRORS: Final = 500
"""Errors after which a file is read no further."""

MAX_MACRO_WARNINGS: Final = 50
MAX_ARGUMENT_BYTES: Final = 128 * 1024 - 1
"""Longest single argument that Linux passes to a process."""

DEFAULT_ROOM_BYTES: Final = 2 * 1024 * 1024
"""Bytes that Linux passes in all, arguments and environment, where the stack has its usual limit of 8 MiB."""

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
"""Most free parameters of the method `sobol`: for so many there are direction numbers."""

MAX_EXPRESSION_LENGTH: Final = 1_000
"""Longest expression, in characters."""

MAX_PATH_LENGTH: Final = 4_096
"""Longest path of a file or folder of metrics, in characters."""

MAX_EXPRESSION_DEPTH: Final = 30
"""Deepest nesting inside an expression: parentheses, lists, calls, signs, `not` and powers of powers."""
