"""The sweep language: from a file to a checked specification, its search space and its points. Pure.

Each name is loaded at its first use: an agent, which only expands commands, loads no reader of files.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweepd.spec.distributions.continuous import (
        Beta,
        InvLogUniform,
        InvLogUniformValues,
        LogNormal,
        LogUniform,
        LogUniformValues,
        Normal,
        Uniform,
    )
    from sweepd.spec.distributions.discrete import Categorical, Constant, IntUniform, WeightedCategorical
    from sweepd.spec.distributions.distribution import DISTRIBUTIONS, Distribution
    from sweepd.spec.distributions.quantised import (
        QBeta,
        QLogNormal,
        QLogUniform,
        QLogUniformValues,
        QNormal,
        QUniform,
    )
    from sweepd.spec.expressions.expression import Expression, parse_expression
    from sweepd.spec.expressions.tree import ExpressionError
    from sweepd.spec.finding import Finding
    from sweepd.spec.keys.sweep import to_document
    from sweepd.spec.loading.nodes import Diagnostic, unreadable_file
    from sweepd.spec.methods.registry import METHODS
    from sweepd.spec.parameter import Group, Parameter, ParameterNode, Path
    from sweepd.spec.parse import Parsed, parse_mapping, parse_text
    from sweepd.spec.point import InfeasibleError, Json, Number, Point, canonical_json, point_digest
    from sweepd.spec.space.conditions import check_expressions
    from sweepd.spec.space.dimension import Dimension
    from sweepd.spec.space.sampling import Feasibility
    from sweepd.spec.space.search_space import SearchSpace
    from sweepd.spec.space.walk import Count
    from sweepd.spec.stop_rules import Asha, Hyperband, Median, Patience, StopRule, Threshold
    from sweepd.spec.sweep_spec import (
        Aggregate,
        Compat,
        Goal,
        Guard,
        Impute,
        Metric,
        MetricsFrom,
        ObjectiveValue,
        Retry,
        SearchMethod,
        SweepSpec,
    )

__all__ = [
    "DISTRIBUTIONS",
    "METHODS",
    "Aggregate",
    "Asha",
    "Beta",
    "Categorical",
    "Compat",
    "Constant",
    "Count",
    "Diagnostic",
    "Dimension",
    "Distribution",
    "Expression",
    "ExpressionError",
    "Feasibility",
    "Finding",
    "Goal",
    "Group",
    "Guard",
    "Hyperband",
    "Impute",
    "InfeasibleError",
    "IntUniform",
    "InvLogUniform",
    "InvLogUniformValues",
    "Json",
    "LogNormal",
    "LogUniform",
    "LogUniformValues",
    "Median",
    "Metric",
    "MetricsFrom",
    "Normal",
    "Number",
    "ObjectiveValue",
    "Parameter",
    "ParameterNode",
    "Parsed",
    "Path",
    "Patience",
    "Point",
    "QBeta",
    "QLogNormal",
    "QLogUniform",
    "QLogUniformValues",
    "QNormal",
    "QUniform",
    "Retry",
    "SearchMethod",
    "SearchSpace",
    "StopRule",
    "SweepSpec",
    "Threshold",
    "Uniform",
    "WeightedCategorical",
    "canonical_json",
    "check_expressions",
    "parse_expression",
    "parse_mapping",
    "parse_text",
    "point_digest",
    "to_document",
    "unreadable_file",
]

_NAMES_BY_MODULE = {
    "distributions.continuous": (
        "Beta InvLogUniform InvLogUniformValues LogNormal LogUniform LogUniformValues Normal Uniform"
    ),
    "distributions.discrete": "Categorical Constant IntUniform WeightedCategorical",
    "distributions.distribution": "DISTRIBUTIONS Distribution",
    "distributions.quantised": "QBeta QLogNormal QLogUniform QLogUniformValues QNormal QUniform",
    "expressions.expression": "Expression parse_expression",
    "expressions.tree": "ExpressionError",
    "keys.sweep": "to_document",
    "loading.nodes": "Diagnostic unreadable_file",
    "methods.registry": "METHODS",
    "parameter": "Group Parameter ParameterNode Path",
    "parse": "Parsed parse_mapping parse_text",
    "point": "InfeasibleError Json Number Point canonical_json point_digest",
    "finding": "Finding",
    "space.conditions": "check_expressions",
    "space.dimension": "Dimension",
    "space.sampling": "Feasibility",
    "space.search_space": "SearchSpace",
    "space.walk": "Count",
    "stop_rules": "Asha Hyperband Median Patience StopRule Threshold",
    "sweep_spec": (
        "Aggregate Compat Goal Guard Impute Metric MetricsFrom ObjectiveValue Retry SearchMethod SweepSpec"
    ),
}
"""Names by the module that they are in."""

if not TYPE_CHECKING:  # a type checker must still see misspelt names
    _HOMES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
