"""Findings about a sweep, and their codes: short names for programs, which stay when messages change."""

from dataclasses import dataclass
from typing import Literal

FileCode = Literal[
    "unreadable-file", "file-too-large", "empty-file", "not-a-mapping", "several-documents",
    "not-utf8", "control-character", "nul-character", "lone-surrogate",
    "yaml-syntax", "yaml-tag", "unknown-alias", "bad-merge", "too-deep", "too-large",
    "key-not-text", "duplicate-key", "integer-range", "not-json", "too-many-errors",
]  # fmt: skip
"""Reasons for which a file cannot be read."""

ValueCode = Literal[
    "unknown-key", "missing-key", "foreign-key", "mixed-forms", "not-a-form", "bare-value",
    "bad-type", "bad-value", "bad-name", "bad-probability", "unknown-value", "duplicate-value",
    "not-finite", "out-of-range", "min-not-less-than-max", "no-bracket",
    "no-parameters", "no-values", "no-points",
]  # fmt: skip
"""Mistakes in one key, or in those of one mapping."""

SweepCode = Literal[
    "not-a-grid", "nothing-to-search", "wrong-method", "point-too-large", "not-in-space",
    "bad-expression", "bad-zip", "circular-condition", "infeasible", "too-sparse",
]  # fmt: skip
"""Mistakes in the sweep as a whole."""

WarningCode = Literal[
    "not-supported-yet", "no-program", "no-effect",
    "unknown-macro", "shadowed-macro", "hidden-parameter", "embedded-macro", "unsplit-argument",
    "long-argument", "slash-in-name", "changed-name", "constant-list", "exponent-bounds", "ambiguous-name",
    "uneven-repeats", "cut-off", "never-holds", "always-holds", "hardly-feasible",
]  # fmt: skip
"""Legal, but probably not meant or not supported yet."""

Code = FileCode | ValueCode | SweepCode | WarningCode

Severity = Literal["error", "warning"]
"""An error keeps a sweep from being created."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong; `path` is dotted: `parameters.opt.lr.when`, `constraints.0`, `zip.1`."""

    path: str
    message: str
    code: Code
    suggestion: str | None = None
    severity: Severity = "error"
