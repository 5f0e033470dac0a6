"""The summary of a stored run equals the one in its script."""

import json
from pathlib import Path
from typing import Any, cast

from component.sdk.programs import details, environment_of, run
from sweepd import v1
from sweepd.calls.grpc_wires import AsyncWire
from sweepd.calls.wire import run_now
from sweepd.codec.details import details_message
from sweepd.objects.async_sweep import AsyncStoredRun
from sweepd_agent.core.rows import Value, parse_line
from sweepd_metric_store.domain.batch import Kind, Spine, Stretch
from sweepd_metric_store.domain.summary import Summary, extended
from sweepd_metric_store.encoding import summary_bytes
from unit.calls.wires import NoWire

SCRIPT = """
    import json, math
    import sweepd

    run = sweepd.init()
    for name, word in (("low", "min"), ("high", "max"), ("middle", "mean"), ("begin", "first"),
                       ("end", "last"), ("away", "none"), ("same", "copy"), ("several", "min,max,last")):
        sweepd.define_metric(name, summary=word)
    sweepd.define_metric("val/*", summary="best", goal="maximize")
    sweepd.define_metric("val/loss*", summary="best", goal="minimize")
    sweepd.define_metric("val/loss", summary="first")
    sweepd.define_metric("mine", summary="min")
    names = ("low", "high", "middle", "begin", "end", "away", "same", "several", "val/acc", "val/loss",
             "val/loss2", "plain", "mine", "over")
    for value in (2.0, 0.5, math.inf, 3.5):
        sweepd.log(dict.fromkeys(names, value) | {"group": {"a": value, "b": value}})
    sweepd.log({"low": math.inf, "flag": True, "note": "end"})
    sweepd.summary["over"] = -1
    sweepd.summary["mine"] = {"max": 7}
    sweepd.summary["group"] = {"a": 9}
    print(json.dumps(run.summary.as_dict()))
"""


def stored(metrics_file: Path) -> list[v1.KeySummary]:
    """Return the metric store's summary of each key after an agent has read the file."""
    known: dict[str, Summary] = {}
    for row, raw in enumerate(metrics_file.read_bytes().split(b"\n")[:-1], 1):
        line = parse_line(raw)
        assert line is not None
        for key, value in line.values.items():
            known[key] = extended(known.get(key), _stretch(row, value))
    found = []
    for key, summary in known.items():
        message = v1.KeySummary.FromString(summary_bytes(summary))
        message.key = key
        found.append(message)
    return found


def _stretch(row: int, value: Value) -> Stretch:
    spine = Spine(rows=[row], steps=[row - 1], times=[0.0])
    match value:
        case bool():
            return Stretch(kind=Kind.BOOL, spine=spine, values=[value])
        case int():
            return Stretch(kind=Kind.INT, spine=spine, values=[value])
        case float():
            return Stretch(kind=Kind.DOUBLE, spine=spine, values=[value])
        case str():
            return Stretch(kind=Kind.STRING, spine=spine, values=[value])


class _Server(NoWire):
    """A server with one run and its summaries in the metric store."""

    def __init__(self, run: v1.Run, summaries: list[v1.KeySummary]) -> None:
        self._run = run
        self._summaries = summaries

    async def one(self, request: Any, response: Any, *, seconds: float = 0.0) -> Any:
        if isinstance(request, v1.GetRunRequest):
            return v1.GetRunResponse(run=self._run)
        assert isinstance(request, v1.ListSummariesRequest)
        return v1.ListSummariesResponse(summaries=self._summaries)


def test_a_stored_run_has_the_summary_of_its_script(tmp_path: Path) -> None:
    output, _ = run(SCRIPT, cwd=tmp_path, env=environment_of(tmp_path))
    seen = json.loads(output)
    message = v1.Run(name="acme/mnist/r1", details=details_message(details(tmp_path)))
    server = _Server(message, stored(tmp_path / "metrics.jsonl"))
    assert run_now(AsyncStoredRun(cast("AsyncWire", server), message).summary()) == seen
    assert (seen["low"], seen["several"]) == ({"min": 0.5}, {"min": 0.5, "max": 3.5, "last": 3.5})
    assert (seen["val/acc"], seen["val/loss"], seen["val/loss2"]) == (
        {"best": 3.5},
        {"first": 2.0},
        {"best": 0.5},
    )
    assert (seen["mine"], seen["over"], seen["group"]) == ({"min": 0.5, "max": 7}, -1, {"a": 9, "b": 3.5})
    assert "away" not in seen
