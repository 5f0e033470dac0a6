"""The sweep language: from a file to a checked specification, its search space and its points. Pure."""

from sweepd.spec.continuous import (
    Beta,
    InvLogUniform,
    InvLogUniformValues,
    LogNormal,
    LogUniform,
    LogUniformValues,
    Normal,
    Uniform,
)
from sweepd.spec.diagnostic import Diagnostic, unreadable_file
from sweepd.spec.discrete import Categorical, Constant, IntUniform, WeightedCategorical
from sweepd.spec.distribution import DISTRIBUTIONS, Distribution
from sweepd.spec.hyperband import Hyperband
from sweepd.spec.parse import Parsed, parse_mapping, parse_text
from sweepd.spec.point import Json, Number, Point, canonical_json, point_digest
from sweepd.spec.quantised import QBeta, QLogNormal, QLogUniform, QLogUniformValues, QNormal, QUniform
from sweepd.spec.search_space import Dimension, Group, Parameter, ParameterNode, SearchSpace
from sweepd.spec.sweep_spec import Goal, Impute, Method, Metric, SweepSpec
from sweepd.spec.to_document import to_document

__all__ = [
    "DISTRIBUTIONS",
    "Beta",
    "Categorical",
    "Constant",
    "Diagnostic",
    "Dimension",
    "Distribution",
    "Goal",
    "Group",
    "Hyperband",
    "Impute",
    "IntUniform",
    "InvLogUniform",
    "InvLogUniformValues",
    "Json",
    "LogNormal",
    "LogUniform",
    "LogUniformValues",
    "Method",
    "Metric",
    "Normal",
    "Number",
    "Parameter",
    "ParameterNode",
    "Parsed",
    "Point",
    "QBeta",
    "QLogNormal",
    "QLogUniform",
    "QLogUniformValues",
    "QNormal",
    "QUniform",
    "SearchSpace",
    "SweepSpec",
    "Uniform",
    "WeightedCategorical",
    "canonical_json",
    "parse_mapping",
    "parse_text",
    "point_digest",
    "to_document",
    "unreadable_file",
]
