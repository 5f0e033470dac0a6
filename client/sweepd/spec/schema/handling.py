"""The schema of the keys that say which points run, and how their runs are handled."""

from typing import Final

from sweepd.spec.limits import (
    MAX_AGENT_FAILURES,
    MAX_CONSTRAINTS,
    MAX_LABEL_LENGTH,
    MAX_LABELS,
    MAX_REPEATS,
    MAX_RETRIES,
)
from sweepd.spec.reading.keys import GUARD_KEYS, METRICS_FROM_KEYS, RETRY_KEYS
from sweepd.spec.reading.metrics_from import MAX_PATH_LENGTH, MAX_PATTERN_LENGTH
from sweepd.spec.schema.pieces import (
    BOOLEAN,
    DURATION,
    TEXT,
    Schema,
    described,
    integer,
    items,
    mapping,
    number,
    text,
    words,
)
from sweepd.spec.schema.space import EXPRESSION, NAME
from sweepd.spec.sweep_spec import Aggregate, Compat, Guard, Retry

_LABEL: Final = text(maxLength=MAX_LABEL_LENGTH)
_POINTS: Final = items({"type": "object", "propertyNames": NAME}, minItems=1)
_RETRY: Final = {
    "infrastructure": described(
        f"After its agent was lost. Default: {Retry().infrastructure}.", integer(0, MAX_RETRIES)
    ),
    "failure": described(f"After it failed by itself. Default: {Retry().failure}.", integer(0, MAX_RETRIES)),
}
_GUARD: Final = {
    "agent": described(
        "Failures in a row after which an agent gets no more runs of the sweep until it is released. "
        f"Default: {Guard().agent}.",
        integer(1, MAX_AGENT_FAILURES),
    ),
    "sweep": described(
        "The share of the last 20 ended runs that must have failed for the sweep to pause. Default: none.",
        number(exclusiveMinimum=0, maximum=1),
    ),
}

HANDLING: Final[dict[str, Schema]] = {
    "run_cap": described(
        "Most runs that the sweep ever starts, retries not counted. Default: no cap.", integer(1)
    ),
    "seed": described(
        "Of all chance: the same file and seed give the same points. Default: one is drawn.", integer()
    ),
    "constraints": described(
        "Expressions over the parameters that every point satisfies.",
        items(EXPRESSION, maxItems=MAX_CONSTRAINTS),
    ),
    "zip": described(
        "Lists of parameters whose `values` move together: first with first, second with second.",
        items(items(TEXT, minItems=2, uniqueItems=True)),
    ),
    "initial": described("Points that run first; what one leaves out is chosen by the method.", _POINTS),
    "runs": described("With `method: list`: exactly these points, in this order.", _POINTS),
    "shuffle": described("With `method: grid`: in an order given by the seed. Default: false.", BOOLEAN),
    "repeats": described("Runs of each point. Default: 1.", integer(1, MAX_REPEATS)),
    "aggregate": described(
        "With `repeats`: how the values of its runs become that of the point. Default: mean.",
        words(
            {
                Aggregate.MEAN: "Their mean.",
                Aggregate.MEDIAN: "Their median.",
                Aggregate.WORST: "The worst of them.",
            }
        ),
    ),
    "retry": described("How often a run is tried again by itself.", mapping(RETRY_KEYS, _RETRY)),
    "canary": described(
        "Start one run alone; the others wait until it has logged the metric. Default: false.", BOOLEAN
    ),
    "guard": described("When failures keep runs from starting.", mapping(GUARD_KEYS, _GUARD)),
    "sweep_timeout": described(
        "The sweep is stopped so long after its first run was handed out, as `90s` or `1h30m`.", DURATION
    ),
    "requires": described(
        "Labels that an agent must have, with their values: `--label gpu=a100`.",
        {
            "type": "object",
            "maxProperties": MAX_LABELS,
            "propertyNames": {"minLength": 1, "maxLength": MAX_LABEL_LENGTH, "pattern": r"\S"},
            "additionalProperties": _LABEL,
        },
    ),
    "tags": described(
        "Labels of the sweep, for lists.", items(_LABEL, maxItems=MAX_LABELS, uniqueItems=True)
    ),
    "metadata": described("Whatever is to be kept with the sweep.", {"type": "object"}),
    "metrics_from": described(
        "Where to read metrics that the script does not log itself.",
        mapping(
            METRICS_FROM_KEYS,
            {
                "stdout": described(
                    "Regular expression with a named group for each key, for each line of output.",
                    text(minLength=1, maxLength=MAX_PATTERN_LENGTH),
                ),
                "file": described(
                    "File that the script appends to: JSON lines, or a table if it ends with .csv or .tsv.",
                    text(minLength=1, maxLength=MAX_PATH_LENGTH),
                ),
                "tensorboard": described(
                    "Folder of TensorBoard event files.", text(minLength=1, maxLength=MAX_PATH_LENGTH)
                ),
            },
            minProperties=1,
        ),
    ),
    "compat": described(
        "Put sweepd in the place of another product's module, for scripts that import that.",
        words({Compat.WANDB: "`import wandb` gets sweepd, also where the real one is installed."}),
    ),
}
