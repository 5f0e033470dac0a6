"""What the command line of an agent takes; mistakes end the program with a sentence."""

from __future__ import annotations

import pytest

from sweepd_agent.options import parse


def test_samples_without_a_pause_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """They would keep a processor busy that is the runs' own."""
    assert parse(["--sweep", "a", "--system-metrics-every", "100ms"], version="1").system_metrics_every == 0.1
    with pytest.raises(SystemExit, match="2"):
        parse(["--sweep", "a", "--system-metrics-every", "0"], version="1")
    assert "'0' is less than 100 ms; --no-system-metrics takes none" in capsys.readouterr().err
