"""The keys that a sweep file may have at each level: one table for the reader and for editors."""

from typing import Final

TEXT_KEYS: Final = ("name", "description", "project", "entity", "program")
WITHOUT_EFFECT: Final = ("apiVersion", "kind", "job", "image_uri")
"""Accepted because existing files have them."""

KEYS: Final = (
    *("method", "parameters", "metric", "early_terminate", "command", "run_cap", "seed"),
    *TEXT_KEYS,
    *("constraints", "zip", "initial", "runs", "shuffle", "repeats", "aggregate", "retry", "canary", "guard"),
    *("sweep_timeout", "requires", "tags", "metadata", "compat", "metrics_from"),
    "controller",
    *WITHOUT_EFFECT,
)
LATER_KEYS: Final = (
    *("metrics", "scheduler", "reproducible", "outcome_constraints", "run_timeout", "max_parallel"),
    *("priority", "stop_when", "on_disconnect"),
)
"""Checked, but a sweep that has one cannot be created yet."""

LATER_METHODS: Final = ("custom",)

METRIC_KEYS: Final = ("name", "goal", "target", "impute", "impute_while_running", "value")
RULE_KEYS: Final = {
    "hyperband": ("min_iter", "max_iter", "s", "eta", "strict"),
    "asha": ("min_iter", "eta", "max_iter"),
    "median": ("min_iter", "interval", "min_runs"),
    "patience": ("iterations", "min_delta"),
    "threshold": ("at", "value"),
}
"""The keys of each rule of early termination, beside `type`."""

RETRY_KEYS: Final = ("infrastructure", "failure")
GUARD_KEYS: Final = ("agent", "sweep")
CONTROLLER_KEYS: Final = ("type",)
SCHEDULER_KEYS: Final = ("engine", "source", "optimizer", "search_space")
STOP_WHEN_KEYS: Final = ("no_improvement", "expected_improvement")
METRICS_FROM_KEYS: Final = ("stdout", "file", "tensorboard")
