"""Command line of an agent; usage errors end the program with one sentence."""

from __future__ import annotations

import pytest

from sweepd_agent.options import parse


@pytest.mark.parametrize(
    ("arguments", "sweeps"),
    [
        (["k3x9"], ["k3x9"]),
        (["local/demo/k3x9", "--slots", "2"], ["local/demo/k3x9"]),
        (["--slots", "2", "k3x9"], ["k3x9"]),
        (["--sweep", "a", "--sweep", "b"], ["a", "b"]),
        (["k3x9", "--sweep", "k3x9"], ["k3x9"]),
        (["k3x9", "--sweep", "local/demo/k3x9"], ["local/demo/k3x9"]),
        (["demo/k3x9", "--sweep", "k3x9"], ["local/demo/k3x9"]),
    ],
)
def test_a_sweep_is_named_with_or_without_its_flag(arguments: list[str], sweeps: list[str]) -> None:
    assert [name.full or name.id for name in parse(arguments, version="1").sweeps] == sweeps


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no sweep given; write sweep-agent ID"),
        (["a", "--sweep", "b"], "the ID and --sweep name different sweeps"),
        (["a", "--sweep", "a", "--sweep", "b"], "the ID and --sweep name different sweeps"),
        (["demo/a", "--sweep", "other/a"], "the ID and --sweep name different sweeps"),
        (["a", "b"], "unrecognized arguments: b"),
    ],
)
def test_sweeps_that_contradict_each_other_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(arguments, version="1")
    assert message in capsys.readouterr().err


def test_samples_without_a_pause_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """They would occupy a processor that the runs need."""
    assert parse(["--sweep", "a", "--system-metrics-every", "100ms"], version="1").system_metrics_every == 0.1
    with pytest.raises(SystemExit, match="2"):
        parse(["--sweep", "a", "--system-metrics-every", "0"], version="1")
    assert "'0' is less than 100 ms; --no-system-metrics disables sampling" in capsys.readouterr().err
