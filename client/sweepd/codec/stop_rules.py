"""Rules of early termination as messages, and messages as what a sweep file would say of the same rule."""

from collections.abc import Iterable

from sweepd import v1
from sweepd.codec.values import CodecError
from sweepd.spec import Asha, Hyperband, Median, Patience, StopRule, Threshold


def rule_message(rule: StopRule) -> v1.EarlyTermination:
    """Return a rule as a message; raises ValueError for a number that the contract cannot carry."""
    match rule:
        case Hyperband(min_iter=min_iter, max_iter=max_iter, s=s, eta=eta, strict=strict):
            hyperband = v1.Hyperband(min_iter=min_iter, max_iter=max_iter, s=s, eta=eta, strict=strict)
            return v1.EarlyTermination(hyperband=hyperband)
        case Asha(min_iter=first, eta=eta, max_iter=max_iter):
            return v1.EarlyTermination(asha=v1.Asha(min_iter=first, eta=eta, max_iter=max_iter))
        case Median(min_iter=first, interval=interval, min_runs=min_runs):
            median = v1.MedianRule(min_iter=first, interval=interval, min_runs=min_runs)
            return v1.EarlyTermination(median=median)
        case Patience(iterations=iterations, min_delta=min_delta):
            return v1.EarlyTermination(patience=v1.Patience(iterations=iterations, min_delta=min_delta))
        case Threshold(at=at, value=value):
            return v1.EarlyTermination(threshold=v1.Threshold(at=at, value=value))


def rules_document(messages: Iterable[v1.EarlyTermination]) -> list[object]:
    """Return what a file would say; raises CodecError where no rule is set."""
    return [_rule_document(message, f"early_terminate[{index}]") for index, message in enumerate(messages)]


def _rule_document(message: v1.EarlyTermination, field: str) -> dict[str, object]:
    kind = message.WhichOneof("rule")
    match kind:
        case None:
            raise CodecError(field, "no rule is set")
        case "hyperband":
            rule = message.hyperband
            document: dict[str, object] = {"type": kind, "eta": rule.eta, "strict": rule.strict}
            if rule.HasField("min_iter"):
                document["min_iter"] = rule.min_iter
            if rule.HasField("max_iter"):
                document["max_iter"] = rule.max_iter
            if rule.HasField("s"):
                document["s"] = rule.s
            return document
        case "asha":
            asha = message.asha
            last = {"max_iter": asha.max_iter} if asha.HasField("max_iter") else {}
            return {"type": kind, "min_iter": asha.min_iter, "eta": asha.eta, **last}
        case "median":
            median = message.median
            iterations = {"min_iter": median.min_iter, "interval": median.interval}
            return {"type": kind, **iterations, "min_runs": median.min_runs}
        case "patience":
            patience = message.patience
            return {"type": kind, "iterations": patience.iterations, "min_delta": patience.min_delta}
        case "threshold":
            return {"type": kind, "at": message.threshold.at, "value": message.threshold.value}
