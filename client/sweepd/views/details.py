"""Details of a run besides its metrics, as JSON: names, notes, configuration, context."""

from __future__ import annotations

from sweepd import v1
from sweepd.codec.details import context_document, plain_map
from sweepd.spec.point import Json
from sweepd.views.view import inner, shaper

GOALS = {v1.GOAL_MINIMIZE: "minimize", v1.GOAL_MAXIMIZE: "maximize"}


def _goal(definition: v1.MetricDefinition) -> Json:
    return GOALS.get(definition.goal)


def _config(details: v1.RunDetails) -> Json:
    return plain_map(details.config)


def _summary(details: v1.RunDetails) -> Json:
    return plain_map(details.summary)


_definition_shape = shaper(
    v1.MetricDefinition,
    name="name",
    summary="summary",
    stepMetric="step_metric?",
    goal=_goal,
    hidden="hidden",
)
details_shape = shaper(
    v1.RunDetails,
    name="display_name?",
    tags="tags",
    notes="notes?",
    group="group?",
    jobType="job_type?",
    config=_config,
    summary=_summary,
    definitions=inner("definitions", _definition_shape),
    resumedFromStep="resumed_from_step",
    preempting="preempting",
    context=inner("context", context_document),
    leftOut="left_out",
)
