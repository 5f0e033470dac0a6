"""The schema of `metric`, and of the rules of `early_terminate`."""

from typing import Final

from sweepd.spec.limits import MAX_HALVINGS, MAX_ITERATIONS, MAX_NAME_LENGTH, MAX_RULES
from sweepd.spec.reading.keys import METRIC_KEYS, RULE_KEYS
from sweepd.spec.schema.pieces import (
    BOOLEAN,
    NUMBER,
    Schema,
    any_of,
    choice,
    described,
    integer,
    items,
    mapping,
    needs,
    number,
    only,
    reference,
    text,
    where,
    words,
)
from sweepd.spec.stop_rules import Hyperband, Median
from sweepd.spec.sweep_spec import Goal, Impute, ObjectiveValue

_METRIC: Final[dict[str, Schema]] = {
    "name": described("The key that the script logs, as `val/loss`.", text(maxLength=MAX_NAME_LENGTH)),
    "goal": described("Whether small or large values are good. Default: minimize.", choice(Goal)),
    "target": described(
        "Once a run reaches this value no new ones start; the sweep ends when the running ones have.", NUMBER
    ),
    "impute": described(
        "bayes: what stands for an ended run without a value, or one that failed. Default: worst.",
        words(
            {
                Impute.WORST: "The worst value of any ended run.",
                Impute.BEST: "The best value that the run itself has logged.",
                Impute.LATEST: "The last value that the run itself has logged.",
            }
        ),
    ),
    "impute_while_running": described(
        "bayes: whether a running run counts, with its best value so far or else by this rule. "
        'Default: "false".',
        choice([*Impute, "false", False]),
    ),
    "value": described(
        "What of all that a run has logged is its value. Default: best.",
        words(
            {
                ObjectiveValue.BEST: "The best of its values.",
                ObjectiveValue.LAST: "The last one, known when the run has ended.",
                ObjectiveValue.MEAN: "Their mean, known when the run has ended.",
            }
        ),
    ),
}
_MEDIAN: Final = Median(min_iter=1)
_ITERATION: Final = integer(1, MAX_ITERATIONS)
_RULE: Final[dict[str, Schema]] = {
    "type": described(
        "Which rule of early termination.",
        words(
            {
                "hyperband": "Compares each running run with all that got as far, at growing iterations.",
                "asha": "At its rungs a run goes on if it is among the best 1/eta that got there.",
                "median": "Stops a run whose best is worse than the median best of the others.",
                "patience": "Stops a run that has not improved for some iterations.",
                "threshold": "Stops a run whose value at one iteration is worse than a given one.",
            }
        ),
    ),
    "min_iter": described(
        "hyperband, asha, median: the first iteration at which runs are compared.", _ITERATION
    ),
    "max_iter": described(
        "hyperband: with `s`, the length of a full run, which is divided by `eta` s times. asha: no rung "
        "from here on.",
        _ITERATION,
    ),
    "s": described("hyperband: how often `max_iter` is divided by `eta`.", integer(1, MAX_HALVINGS)),
    "eta": described(
        f"hyperband, asha: how far apart rungs are, and how few go on. Default: {Hyperband().eta}.",
        number(exclusiveMinimum=1),
    ),
    "strict": described(
        "hyperband: true judges a run by its value at the bracket, false by its best value so far. "
        "Default: true.",
        BOOLEAN,
    ),
    "interval": described(
        f"median: iterations from one comparison to the next. Default: {_MEDIAN.interval}.", _ITERATION
    ),
    "min_runs": described(
        f"median: others that must have got as far. Default: {_MEDIAN.min_runs}.", _ITERATION
    ),
    "iterations": described("patience: how many iterations a run may go without improving.", _ITERATION),
    "min_delta": described(
        "patience: only what is better by more than this is an improvement. Default: 0.", number(minimum=0)
    ),
    "at": described("threshold: the iteration at which a run is judged.", _ITERATION),
    "value": described("threshold: the value that is just good enough.", NUMBER),
}
_NEEDS: Final[dict[str, Schema]] = {
    "hyperband": any_of(needs("min_iter"), needs("max_iter", "s")),
    "asha": needs("min_iter"),
    "median": needs("min_iter"),
    "patience": needs("iterations"),
    "threshold": needs("at", "value"),
}


def metric() -> Schema:
    """Return the schema of one metric."""
    return mapping(METRIC_KEYS, _METRIC, **needs("name"))


def early_terminate() -> Schema:
    """Return the schema of `early_terminate`: a rule, several, or nothing."""
    rule = reference("rule")
    return any_of(rule, items(rule, minItems=1, maxItems=MAX_RULES), {"type": "null"})


def rule() -> Schema:
    """Return the schema of one rule."""
    kinds = [
        where("type", {"const": kind}, {**_NEEDS[kind], **only(("type", *keys))})
        for kind, keys in RULE_KEYS.items()
    ]
    known = dict.fromkeys(("type", *(key for keys in RULE_KEYS.values() for key in keys)))
    return mapping(known, _RULE, **needs("type"), allOf=kinds)
