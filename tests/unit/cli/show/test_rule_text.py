"""Text of an early-termination verdict: rule, iteration, value and threshold."""

import pytest

from sweepd.cli.show.describe import verdict_text


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("hyperband", "0.61 is worse than 0.55, the threshold of this rung"),
        ("asha", "0.61 is worse than 0.55, the threshold of this rung"),
        ("median", "its best, 0.61, is worse than the median of the others, 0.55"),
        ("patience", "its best, 0.61, has not improved in time; it had to be better than 0.55"),
        ("threshold", "0.61 is worse than the threshold 0.55"),
    ],
)
def test_the_text_of_each_rule_explains_why_the_run_was_stopped(rule: str, text: str) -> None:
    verdict = verdict_text({"rule": rule, "rung": 9, "value": 0.61, "threshold": 0.55})
    assert verdict == f"{rule} at iteration 9: {text}"
