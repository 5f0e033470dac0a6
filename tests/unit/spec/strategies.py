"""Random sweep documents for the property tests of the language."""

from hypothesis import strategies as st

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,5}", fullmatch=True)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
integers = st.integers(-(2**63), 2**63 - 1)
scalars = st.none() | st.booleans() | integers | words | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
moderate = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def ranges(draw: st.DrawFn, *, positive: bool = False, exponents: bool = False) -> dict[str, object]:
    """Draw `min` and `max` far enough apart, integers or floats."""
    limit = 10 if exponents else 10**6
    if draw(st.booleans()):
        low: float = draw(st.integers(1 if positive else -limit, limit))
        return {"min": low, "max": low + draw(st.integers(1, limit))}
    low = draw(st.floats(1e-6 if positive else -limit, limit))
    return {"min": low, "max": low + draw(st.floats(0.01, limit))}


quanta = st.integers(1, 50) | st.sampled_from([0.1, 0.25, 0.5, 1.0, 3.0, 1e-3])
Keys = st.SearchStrategy[dict[str, object]]
optional_q: Keys = st.fixed_dictionaries({}, optional={"q": quanta})
bells: Keys = st.fixed_dictionaries(
    {}, optional={"mu": st.integers(-5, 5) | st.floats(-5, 5), "sigma": st.floats(0, 3)}
)
shapes: Keys = st.fixed_dictionaries({}, optional={"a": st.floats(0.1, 50), "b": st.integers(1, 50)})


def _named(name: str, *parts: Keys) -> Keys:
    def merged(drawn: tuple[dict[str, object], ...]) -> dict[str, object]:
        return {"distribution": name} | {key: value for part in drawn for key, value in part.items()}

    return st.tuples(*parts).map(merged)


@st.composite
def weighted(draw: st.DrawFn) -> dict[str, object]:
    """Draw values with probabilities that sum to one."""
    weights = draw(st.lists(st.integers(0, 9), min_size=1, max_size=5).filter(any))
    values = draw(st.lists(json_values, min_size=len(weights), max_size=len(weights)))
    return {"values": values, "probabilities": [weight / sum(weights) for weight in weights]}


def _values(values: object) -> dict[str, object]:
    return {"values": values}


def _constant(value: object) -> dict[str, object]:
    return {"value": value}


@st.composite
def small_ranges(draw: st.DrawFn) -> dict[str, object]:
    """Draw a range of a few integers or quantised steps."""
    low, width = draw(st.integers(-9, 9)), draw(st.integers(1, 6))
    bounds: dict[str, object] = {"min": low, "max": low + width}
    if draw(st.booleans()):
        return bounds
    return {"distribution": "q_uniform", "q": draw(st.sampled_from([1, 2, 0.5, 4])), **bounds}


finite_parameters = (
    st.lists(scalars, min_size=1, max_size=4).map(_values) | small_ranges() | json_values.map(_constant)
)
parameters = (
    st.lists(json_values, min_size=1, max_size=4).map(_values)
    | json_values.map(_constant)
    | weighted()
    | ranges()
    | _named("uniform", ranges())
    | _named("q_uniform", ranges(), optional_q)
    | _named("log_uniform", ranges(exponents=True))
    | _named("log_uniform_values", ranges(positive=True))
    | _named("q_log_uniform", ranges(exponents=True), optional_q)
    | _named("q_log_uniform_values", ranges(positive=True), optional_q)
    | _named("inv_log_uniform", ranges(exponents=True))
    | _named("inv_log_uniform_values", ranges(positive=True))
    | _named("normal", bells)
    | _named("q_normal", bells, optional_q)
    | _named("log_normal", bells)
    | _named("q_log_normal", bells, optional_q)
    | _named("beta", shapes)
    | _named("q_beta", shapes, optional_q)
)


def _group(inner: object) -> dict[str, object]:
    return {"parameters": inner}


def spaces(leaves: Keys) -> Keys:
    """Draw the `parameters` of a sweep, with groups."""
    groups = st.dictionaries(names, leaves, min_size=1, max_size=2).map(_group)
    return st.dictionaries(names, leaves | groups, min_size=1, max_size=4)


hyperbands = st.fixed_dictionaries(
    {"type": st.just("hyperband"), "min_iter": st.integers(1, 9)},
    optional={"eta": st.integers(2, 4) | st.floats(1.1, 4), "strict": st.booleans()},
)
rules = st.one_of(
    hyperbands,
    st.fixed_dictionaries(
        {"type": st.just("hyperband"), "max_iter": st.integers(9, 99), "s": st.integers(1, 2)}
    ),
    st.fixed_dictionaries(
        {"type": st.just("asha"), "min_iter": st.integers(1, 9)},
        optional={"eta": st.integers(2, 4), "max_iter": st.integers(10, 2**32 - 1)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("median"), "min_iter": st.integers(1, 9)},
        optional={"interval": st.integers(1, 9), "min_runs": st.integers(1, 9)},
    ),
    st.fixed_dictionaries(
        {"type": st.just("patience"), "iterations": st.integers(1, 2**32 - 1)},
        optional={"min_delta": st.floats(0, 1)},
    ),
    st.fixed_dictionaries({"type": st.just("threshold"), "at": st.integers(1, 9), "value": moderate}),
)
durations = st.integers(1, 10**9).map(lambda thousandths: f"{thousandths}ms") | st.sampled_from(
    ["90s", "1h30m", "3650d"]
)
labels = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5)
handling: dict[str, st.SearchStrategy[object]] = {
    "repeats": st.integers(2, 1000),
    "aggregate": st.sampled_from(["mean", "median", "worst"]),
    "retry": st.fixed_dictionaries(
        {}, optional={"infrastructure": st.integers(0, 100), "failure": st.integers(0, 100)}
    ),
    "guard": st.fixed_dictionaries(
        {}, optional={"agent": st.integers(1, 1000), "sweep": st.floats(0.001, 1)}
    ),
    "canary": st.booleans(),
    "sweep_timeout": durations,
    "requires": st.dictionaries(labels, labels, max_size=3),
    "tags": st.lists(labels, max_size=3, unique=True),
    "metadata": st.dictionaries(words, json_values, max_size=3),
    "compat": st.just("wandb"),
    "metrics_from": st.sampled_from(
        [{"stdout": "loss=(?P<loss>.+)"}, {"file": "a.csv", "tensorboard": "runs"}]
    ),
}
"""Keys of a sweep beside its space."""


def _consistent(document: dict[str, object]) -> dict[str, object]:
    """Remove an `aggregate` that has nothing to combine."""
    return document if "repeats" in document else {k: v for k, v in document.items() if k != "aggregate"}


metrics = st.fixed_dictionaries(
    {"name": words.filter(str.strip)},
    optional={
        "goal": st.sampled_from(["minimize", "maximize"]),
        "target": moderate,
        "impute": st.sampled_from(["worst", "best", "latest"]),
        "impute_while_running": st.sampled_from(["worst", "best", "latest", "false", False]),
        "value": st.sampled_from(["best", "last", "mean"]),
    },
)
sweeps = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["random", "sobol"]),
        "parameters": spaces(parameters),
        "metric": metrics,
    },
    optional={
        "name": words.filter(str.strip),
        "description": words,
        "program": words.filter(str.strip),
        "command": st.lists(words | st.integers(0, 9) | st.booleans(), max_size=4).filter(
            lambda items: not items or str(items[0]).strip()
        ),
        "early_terminate": rules | st.lists(rules, min_size=1, max_size=3),
        **handling,
        "run_cap": st.integers(1, 100),
        "seed": st.integers(-(2**63), 2**63 - 1),
    },
).map(_consistent)


RULED: dict[str, object] = {
    "opt": {"values": ["adam", "sgd"]},
    "momentum": {"values": [0.1, 0.5, 0.9], "when": "opt == 'sgd'"},
    "inner": {
        "when": "opt in ['adam', 'sgd']",
        "parameters": {
            "left": {"values": [1, 2]},
            "right": {"values": ["a", None], "when": "momentum > 0.2"},
        },
    },
    "w-d": {"values": [1, 2]},
}
"""Parameters that conditions, constraints and zips are about."""

ruled: dict[str, st.SearchStrategy[object]] = {
    "constraints": st.lists(
        st.sampled_from(['param("w-d") >= 1', "inner.left < 3 or momentum < 1", "not opt == 'x y'"]),
        max_size=3,
    ),
    "zip": st.sampled_from([[], [["inner.left", "w-d"]], [["opt", "w-d"]]]),
    "project": st.sampled_from(["mnist", "a.b-c_1"]),
    "entity": st.sampled_from(["acme", "0"]),
}
points = st.fixed_dictionaries(
    {}, optional={"opt": st.just("sgd"), "momentum": st.sampled_from([0.1, 0.9]), "w-d": st.just(2)}
)


@st.composite
def any_sweeps(draw: st.DrawFn) -> dict[str, object]:
    """Draw a sweep that may have every key of the language."""
    document = draw(sweeps)
    document |= draw(st.fixed_dictionaries({}, optional=ruled))
    method = draw(st.sampled_from(["random", "sobol", "bayes", "grid", "list"]))
    document["method"] = method
    if method == "list":
        del document["parameters"]
        for key in ("constraints", "zip"):
            document.pop(key, None)
        document["runs"] = draw(
            st.lists(st.dictionaries(names, json_values, max_size=3), min_size=1, max_size=3)
        )
        return document
    space = draw(spaces(finite_parameters)) if method == "grid" else document["parameters"]
    assert isinstance(space, dict)
    document["parameters"] = {**space, **RULED}
    if draw(st.booleans()):
        document["initial"] = draw(st.lists(points, min_size=1, max_size=3))
    if method == "grid" and draw(st.booleans()):
        document["shuffle"] = draw(st.booleans())
    return document
