"""Keys that a proposal inherits from the sweeps of its runs."""

from __future__ import annotations

from sweepd import v1
from sweepd.cli.commands.define.proposal import SourceRun, SourceRuns

WANDB = v1.SweepSpec(
    method=v1.SEARCH_METHOD_GRID,
    compat=v1.COMPAT_WANDB,
    metric=v1.Metric(name="loss", goal=v1.GOAL_MINIMIZE),
    metrics_from=v1.MetricsFrom(stdout="(?P<loss>.*)", tensorboard="runs"),
)
PLAIN = v1.SweepSpec(method=v1.SEARCH_METHOD_RANDOM)
STANDALONE = v1.SweepSpec(program="train.py")


def tried(*specs: v1.SweepSpec) -> SourceRuns:
    return SourceRuns([SourceRun(spec, {}, None) for spec in specs])


def test_the_sources_of_metrics_are_those_of_most_runs_of_sweeps() -> None:
    lineage = tried(WANDB, WANDB, PLAIN, STANDALONE, STANDALONE, STANDALONE)
    assert lineage.metric_sources() == {
        "compat": "wandb",
        "metrics_from": {"stdout": "(?P<loss>.*)", "tensorboard": "runs"},
    }
    assert lineage.notes == [
        "the compat differs between runs; using wandb (2 runs); others: none (1)",
        "the metrics_from differs between runs; using stdout, tensorboard (2 runs); others: none (1)",
    ]
    assert tried(PLAIN, PLAIN, WANDB).metric_sources() == {}
    assert tried(STANDALONE).metric_sources() == {}


def test_the_objective_is_the_one_that_most_runs_have() -> None:
    lineage = tried(WANDB, PLAIN, PLAIN, STANDALONE)
    assert lineage.objective() == ("loss", v1.GOAL_MINIMIZE)
    assert lineage.notes == []
    assert tried(PLAIN, STANDALONE).objective() == ("", v1.GOAL_UNSPECIFIED)
