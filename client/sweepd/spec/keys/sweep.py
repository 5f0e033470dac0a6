"""Table of the keys of a sweep file: the source of its reader, schema, documents, messages and output.

A new key needs an entry here, an attribute of `SweepSpec` and a field of the message. Documents have the
keys in this order.
"""

from dataclasses import replace
from typing import Final

from sweepd.spec.keys.parameters import PARAMETERS
from sweepd.spec.keys.rules import EARLY_TERMINATE
from sweepd.spec.keys.shape import (
    BOOLEAN,
    DURATION,
    Key,
    ValueShape,
    choice,
    explained,
    integer,
    number,
    record,
    reference,
    text,
    words,
    written,
)
from sweepd.spec.keys.special import (
    COMMAND,
    CONSTRAINTS,
    METADATA,
    PATH,
    PATTERN,
    POINTS,
    REQUIRES,
    TAGS,
    ZIPS,
)
from sweepd.spec.keys.unsupported import CONTROLLER, UNSUPPORTED_METHODS, unsupported_keys
from sweepd.spec.limits import MAX_AGENT_FAILURES, MAX_NAME_LENGTH, MAX_REPEATS, MAX_RETRIES
from sweepd.spec.loading.fields import Fields
from sweepd.spec.methods.registry import METHODS
from sweepd.spec.point import Json
from sweepd.spec.sweep_spec import (
    Aggregate,
    Compat,
    Goal,
    Guard,
    Impute,
    Metric,
    MetricsFrom,
    ObjectiveValue,
    Retry,
    SearchMethod,
    SweepSpec,
)
from sweepd.spec.wording import shown

_MEANINGS: Final = {
    **{name: method.meaning for name, method in METHODS.items()},
    "custom": "Points from a custom scheduler. Not supported yet.",
}


def _method(sweep: Fields, key: str) -> SearchMethod | None:
    if sweep.scalar(key) in UNSUPPORTED_METHODS:
        return None  # `read_unsupported` warns of it
    word = sweep.word(key, list(METHODS))
    return None if word is None else METHODS[word]


def _written_method(method: object) -> Json:
    assert isinstance(method, SearchMethod)
    return method.name


def _name(sweep: Fields, key: str) -> str | None:
    """Return the name of the sweep, or None if it is empty."""
    return None if sweep.scalar(key) == "" else sweep.text(key)


def _key_name(metric: Fields, key: str) -> str | None:
    name = metric.text(key)
    if name is not None and len(name) > MAX_NAME_LENGTH:
        metric.error("bad-name", f"at most {MAX_NAME_LENGTH} characters are allowed", key=key)
    return name


def _while_running(metric: Fields, key: str) -> Impute | None:
    if metric.scalar(key) is False:  # unquoted false means the same as the text
        return None
    word = metric.word(key, [*Impute, "false"])
    return None if word in (None, "false") else Impute(word)


def _written_while_running(value: object) -> Json:
    return value.value if isinstance(value, Impute) else "false"


def _kind(sweep: Fields, key: str) -> None:
    kind = sweep.text(key)
    if kind is not None and kind != "sweep":
        sweep.error("unknown-value", f"must be sweep, not {shown(kind)}", key=key, suggestion="sweep")


def _check_metrics_from(metrics_from: Fields, values: object) -> None:
    if not metrics_from.node.entries:
        metrics_from.error("missing-key", "needs one of `stdout`, `file` and `tensorboard`")


METRIC: Final = record(
    Metric,
    (
        Key(
            "name",
            ValueShape(_key_name, text(longest=MAX_NAME_LENGTH).schema),
            "The key that the script logs, such as `val/loss`.",
            needed=", the key that the script logs",
        ),
        Key("goal", words(Goal), "Whether smaller or larger values are better. Default: minimize."),
        Key(
            "target",
            number(convert=float),
            "Once a run reaches this value, no new runs start; the sweep ends when the live runs have ended.",
        ),
        Key(
            "impute",
            words(
                Impute,
                {
                    Impute.WORST: "The worst value of any ended run.",
                    Impute.BEST: "The best value that the run itself has logged.",
                    Impute.LATEST: "The last value that the run itself has logged.",
                },
            ),
            "bayes: the value assumed for a run that failed, crashed or was killed, or that finished without "
            "a value. Default: worst.",
            shown=False,
        ),
        Key(
            "impute_while_running",
            ValueShape(_while_running, choice([*Impute, "false", False]), _written_while_running),
            "bayes: the value assumed for a live run without a value; with a value, its value so far counts. "
            '"false", the default: live runs do not count.',
            shown=False,
        ),
        Key(
            "value",
            words(
                ObjectiveValue,
                {
                    ObjectiveValue.BEST: "The best of its values.",
                    ObjectiveValue.LAST: "The last of its values, known once the run has ended.",
                    ObjectiveValue.MEAN: "The mean of its values, known once the run has ended.",
                },
            ),
            "How the value of a run is derived from its logged values. Default: best.",
            brief=True,
        ),
    ),
    "a mapping with the key `name`",
)
RETRY: Final = record(
    Retry,
    (
        Key(
            "infrastructure",
            integer(0, MAX_RETRIES),
            f"Retries of a run after its agent is lost. Default: {Retry().infrastructure}.",
        ),
        Key(
            "failure",
            integer(0, MAX_RETRIES),
            f"Retries of a run after it fails. Default: {Retry().failure}.",
        ),
    ),
    "a mapping with the keys `infrastructure` and `failure`",
)
GUARD: Final = record(
    Guard,
    (
        Key(
            "agent",
            integer(1, MAX_AGENT_FAILURES),
            "Consecutive failures after which an agent gets no more runs of the sweep until it is "
            f"released. Default: {Guard().agent}.",
        ),
        Key(
            "sweep",
            number(above=0, most=1, wanted="a share: more than 0, at most 1", convert=float),
            "The sweep pauses if at least this share of its last 20 ended runs has failed. Default: none.",
        ),
    ),
    "a mapping with the keys `agent` and `sweep`",
)
METRICS_FROM: Final = record(
    MetricsFrom,
    (
        Key("stdout", PATTERN, "Regular expression for lines of output, with a named group for each key."),
        Key(
            "file",
            PATH,
            "File that the script appends to: JSON lines, or a table if its name ends with .csv or .tsv.",
        ),
        Key("tensorboard", PATH, "Folder of TensorBoard event files."),
    ),
    "a mapping with at least one of the keys `stdout`, `file` and `tensorboard`",
    _check_metrics_from,
    minProperties=1,
)
_AGGREGATE: Final = words(
    Aggregate,
    {Aggregate.MEAN: "The mean.", Aggregate.MEDIAN: "The median.", Aggregate.WORST: "The worst value."},
)
_COMPAT: Final = words(
    Compat, {Compat.WANDB: "`import wandb` imports sweepd, even where wandb is installed."}
)
_PLACE: Final = ValueShape(Fields.text, {"type": "string", "pattern": r"[A-Za-z0-9]|[^\x00-\x7F]"})
"""Non-ASCII text is accepted: some characters are converted to legal ones, which a schema cannot express."""

_WITHOUT_EFFECT: Final = "Accepted for compatibility with existing files; no effect."
_ANY_TEXT: Final = text(blank_allowed=True)

SWEEP: Final = (
    Key(
        "method",
        ValueShape(_method, explained(_MEANINGS), _written_method),
        "Method that chooses the next point.",
        needed=f": {', '.join(list(METHODS)[:-1])} or {list(METHODS)[-1]}",
    ),
    Key(
        "name",
        ValueShape(_name, {"type": "string", "pattern": r"^$|\S"}),
        "Display name, shown instead of the sweep's ID.",
        shown=False,
    ),
    Key("description", _ANY_TEXT, "Description, shown with the sweep.", shown=False),
    Key(
        "project",
        _PLACE,
        "Project of the sweep, in lower case; flags and environment take precedence.",
        field="-",
        shown=False,
    ),
    Key(
        "entity",
        _PLACE,
        "Entity that owns the sweep, in lower case; flags and environment take precedence.",
        field="-",
        shown=False,
    ),
    Key("program", text(), "Value of `${program}` in `command`."),
    Key(
        "run_cap",
        integer(1),
        "Maximum number of runs that the sweep starts, retries not counted. Default: no cap.",
    ),
    Key(
        "seed",
        integer(),
        "Seed of all random choices. Default: drawn at random.",
    ),
    Key(
        "command",
        COMMAND,
        "Command that starts a run: one item per argument, no shell. Default: [${env}, ${interpreter}, "
        "${program}, ${args}].",
    ),
    Key("metric", replace(METRIC, schema=reference("metric")), "The logged metric that the sweep optimises."),
    Key(
        "early_terminate",
        EARLY_TERMINATE,
        "One or more rules that stop runs early.",
        field="early_terminations",
    ),
    Key(
        "parameters",
        PARAMETERS,
        "The space to search: names of parameters, and their values or distributions.",
    ),
    Key("constraints", CONSTRAINTS, "Expressions over the parameters that every point satisfies."),
    Key(
        "zip",
        ZIPS,
        "Lists of parameters whose `values` are combined by position: first with first, second with second.",
        attribute="zips",
        field="zips",
    ),
    Key(
        "initial",
        POINTS,
        "Points that run first; the method chooses the values that a point leaves out.",
        field="initial_points",
    ),
    Key(
        "runs",
        POINTS,
        "With `method: list`: exactly these points, in this order.",
        field="listed_points",
        shown=False,
    ),
    Key("shuffle", BOOLEAN, "With `method: grid`: shuffle the points with the seed. Default: false."),
    Key("repeats", integer(1, MAX_REPEATS), "Number of runs per point. Default: 1."),
    Key(
        "aggregate",
        _AGGREGATE,
        "With `repeats`: how the values of a point's runs are combined into one. Default: mean.",
    ),
    Key("retry", RETRY, "Number of automatic retries of a run."),
    Key(
        "canary",
        BOOLEAN,
        "Start one run alone; the others wait until it has logged the metric. Default: false.",
    ),
    Key("guard", GUARD, "Limits on failures at which an agent gets no more runs or the sweep pauses."),
    Key(
        "sweep_timeout",
        DURATION,
        "Time from the first hand-out until the sweep is stopped, such as `90s` or `1h30m`.",
    ),
    Key("requires", REQUIRES, "Labels that an agent must have, with their values, as in `--label gpu=a100`."),
    Key("tags", TAGS, "Labels of the sweep."),
    Key("metadata", METADATA, "Arbitrary data stored with the sweep."),
    Key("metrics_from", METRICS_FROM, "Sources of metrics that the script does not log itself."),
    Key("compat", _COMPAT, "Product whose module sweepd replaces in scripts that import it."),
)
"""Keys of a `SweepSpec`."""

WITHOUT_EFFECT: Final = (
    Key("apiVersion", _ANY_TEXT, _WITHOUT_EFFECT),
    Key("kind", ValueShape(_kind, choice(["sweep"])), _WITHOUT_EFFECT),
    Key("job", _ANY_TEXT, _WITHOUT_EFFECT),
    Key("image_uri", _ANY_TEXT, _WITHOUT_EFFECT),
)
"""Keys without effect, accepted because existing files have them."""

UNSUPPORTED: Final = unsupported_keys(METRIC)
"""Keys that are checked, but with which no sweep can be created yet."""

ALL_KEYS: Final = (
    *SWEEP,
    Key(
        "controller",
        CONTROLLER,
        "Source of points: the server (cloud, the default) or a local process, which is not supported yet.",
    ),
    *WITHOUT_EFFECT,
    *UNSUPPORTED,
)


def to_document(spec: SweepSpec) -> dict[str, Json]:
    """Return the document that parses back to a specification, without keys that have their defaults."""
    return written(SWEEP, spec, brief=True)
