"""The specification of a sweep in the JSON of `sweepctl`: rules, bounds, labels; see docs/command-line.md."""

from typing import cast

from sweepd import v1
from sweepd.codec import parameters_document, point_from_message
from sweepd.spec.point import Json
from sweepd.spec.sweep_spec import Guard, Retry
from sweepd.views.values import real

Shape = dict[str, Json]

_RETRY, _GUARD = Retry(), Guard()


def word(name: str, prefix: str) -> str:
    """Return the name of an enum's value as a short word: `RUN_STATE_FINISHED` is `finished`."""
    return name.removeprefix(prefix).lower().replace("_", "-")


def spec_shape(spec: v1.SweepSpec) -> Shape:
    """Return what the file of a sweep says, the points of a list left out."""
    labels: Shape = dict(sorted(spec.requires.items()))
    return {
        "method": word(v1.SearchMethod.Name(spec.method), "SEARCH_METHOD_"),
        "metric": _metric(spec),
        "program": spec.program or None,
        "command": list(spec.command),
        "runCap": spec.run_cap if spec.HasField("run_cap") else None,
        "seed": spec.seed if spec.HasField("seed") else None,
        "parameters": _parameters(spec),
        "initial": [dict(point_from_message(point)) for point in spec.initial_points],
        "constraints": list(spec.constraints),
        "zip": [list(zipped.parameters) for zipped in spec.zips],
        "shuffle": spec.shuffle,
        "repeats": spec.repeats or 1,
        "aggregate": _aggregate(spec),
        "earlyTerminate": [_rule(rule) for rule in spec.early_terminations],
        "retry": _retry(spec.retry),
        "canary": spec.canary,
        "guard": _guard(spec.guard),
        "sweepTimeoutSeconds": _seconds(spec),
        "requires": labels,
        "tags": list(spec.tags),
        "metadata": dict(point_from_message(spec.metadata)) if spec.HasField("metadata") else {},
        "metricsFrom": _metrics_from(spec.metrics_from) if spec.HasField("metrics_from") else None,
        "compat": word(v1.Compat.Name(spec.compat), "COMPAT_") if spec.compat else None,
    }


def _parameters(spec: v1.SweepSpec) -> Json:
    return cast("Json", parameters_document(spec.parameters, "parameters"))


def _metric(spec: v1.SweepSpec) -> Json:
    if not spec.HasField("metric"):
        return None
    metric = spec.metric
    return {
        "name": metric.name,
        "goal": word(v1.Goal.Name(metric.goal), "GOAL_"),
        "target": metric.target if metric.HasField("target") else None,
        "value": word(v1.ObjectiveValue.Name(metric.value), "OBJECTIVE_VALUE_") if metric.value else "best",
    }


def _aggregate(spec: v1.SweepSpec) -> Json:
    if spec.repeats < 2:
        return None
    return word(v1.Aggregate.Name(spec.aggregate or v1.AGGREGATE_MEAN), "AGGREGATE_")


def _rule(message: v1.EarlyTermination) -> Json:
    """Return a rule as a file says it; what is not given is left out, as there."""
    kind = message.WhichOneof("rule")
    match kind:
        case "hyperband":
            halving = message.hyperband
            bounds: Shape = {
                name: number
                for name, number, given in (
                    ("min_iter", halving.min_iter, halving.HasField("min_iter")),
                    ("max_iter", halving.max_iter, halving.HasField("max_iter")),
                    ("s", halving.s, halving.HasField("s")),
                )
                if given
            }
            return {"type": kind, **bounds, "eta": halving.eta, "strict": halving.strict}
        case "asha":
            asha = message.asha
            end: Shape = {"max_iter": asha.max_iter} if asha.HasField("max_iter") else {}
            return {"type": kind, "min_iter": asha.min_iter, "eta": asha.eta, **end}
        case "median":
            rule = message.median
            return {
                "type": kind,
                "min_iter": rule.min_iter,
                "interval": rule.interval,
                "min_runs": rule.min_runs,
            }
        case "patience":
            patience = message.patience
            return {"type": kind, "iterations": patience.iterations, "min_delta": patience.min_delta}
        case "threshold":
            return {"type": kind, "at": message.threshold.at, "value": real(message.threshold.value)}
        case None:
            return None


def _retry(retry: v1.Retry) -> Shape:
    lost = retry.infrastructure if retry.HasField("infrastructure") else _RETRY.infrastructure
    return {
        "infrastructure": lost,
        "failure": retry.failure if retry.HasField("failure") else _RETRY.failure,
    }


def _guard(guard: v1.Guard) -> Shape:
    return {
        "agent": guard.agent if guard.HasField("agent") else _GUARD.agent,
        "sweep": guard.sweep if guard.HasField("sweep") else None,
    }


def _seconds(spec: v1.SweepSpec) -> Json:
    if not spec.HasField("sweep_timeout"):
        return None
    return spec.sweep_timeout.seconds + spec.sweep_timeout.nanos / 1e9


def _metrics_from(source: v1.MetricsFrom) -> Shape:
    return {
        "stdout": source.stdout or None,
        "file": source.file or None,
        "tensorboard": source.tensorboard or None,
    }
