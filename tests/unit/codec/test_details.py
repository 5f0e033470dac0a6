"""Details that a script writes: odd values affect no others, and the total size is limited."""

from __future__ import annotations

import math

from sweepd import v1
from sweepd.codec.details import MAX_DETAILS_BYTES, details_message, plain_map


def test_all_members_are_sent_with_their_types() -> None:
    message = details_message(
        {
            "name": "brave-run",
            "tags": ["a", "b"],
            "notes": "n",
            "group": "g",
            "job_type": "train",
            "config": {
                "lr": 0.1,
                "n": 3,
                "opt": {"name": "adam", "betas": [0.9, 1]},
                "none": None,
                "on": True,
            },
            "summary": {"acc": math.nan, "top": math.inf},
            "definitions": {"val/*": {"summary": ["min"], "step_metric": "epoch", "goal": "maximize"}},
            "resumed_from_step": 120,
            "preempting": True,
        }
    )
    config = plain_map(message.config)
    assert config == {
        "lr": 0.1,
        "n": 3,
        "opt": {"name": "adam", "betas": [0.9, 1]},
        "none": None,
        "on": True,
    }
    assert isinstance(config["n"], int)
    summary = plain_map(message.summary)
    assert isinstance(summary["acc"], float)
    assert math.isnan(summary["acc"])
    assert summary["top"] == math.inf
    assert (message.display_name, list(message.tags), message.notes) == ("brave-run", ["a", "b"], "n")
    assert (message.group, message.job_type) == ("g", "train")
    assert (message.resumed_from_step, message.preempting) == (120, True)
    (definition,) = message.definitions
    assert (definition.name, list(definition.summary), definition.step_metric) == ("val/*", ["min"], "epoch")
    assert (definition.goal, definition.hidden) == (v1.GOAL_MAXIMIZE, False)


def test_members_of_a_wrong_type_are_left_out_and_affect_no_others() -> None:
    message = details_message(
        {
            "name": 7,
            "tags": "abc",
            "config": [1],
            "summary": {"big": 2**70, "half": "\ud800", "nul": "a\0b"},
            "definitions": {"x": 3},
            "resumed_from_step": True,
        }
    )
    assert (message.display_name, list(message.tags), len(message.definitions)) == ("", [], 0)
    assert not message.HasField("config")
    assert not message.HasField("resumed_from_step")
    assert plain_map(message.summary) == {"big": str(2**70), "half": "?", "nul": "ab"}
    assert v1.RunDetails.FromString(message.SerializeToString()) == message


def test_nesting_deeper_than_messages_allow_becomes_text() -> None:
    nested: object = 1
    for _ in range(80):
        nested = {"in": nested}
    message = details_message({"config": {"deep": nested, "lr": 1}})
    report = v1.AttachRequest(details=v1.DetailsReport(sequence=1, details=message))
    assert v1.AttachRequest.FromString(report.SerializeToString()) == report
    assert plain_map(message.config)["lr"] == 1


def test_the_largest_members_are_left_out_and_listed() -> None:
    message = details_message(
        {"config": {"huge": "x" * 600_000, "lr": 0.1}, "summary": {"large": "y" * 100_000, "acc": 1}}
    )
    assert message.ByteSize() <= MAX_DETAILS_BYTES
    assert plain_map(message.config) == {"lr": 0.1}
    assert set(plain_map(message.summary)) == {"large", "acc"}
    assert list(message.left_out) == ["config.huge"]


def test_many_members_stay_within_the_size_limit() -> None:
    many = {f"{'n' * 200}{index}": "v" * 50 for index in range(20_000)}
    message = details_message({"config": many, "notes": "n" * 60_000, "tags": ["t" * 60_000] * 20})
    assert message.ByteSize() <= MAX_DETAILS_BYTES
