"""Message for a value outside a parameter's domain: it names the valid values."""

from __future__ import annotations

import pytest

from sweepd.spec.distributions.distribution import refusal
from sweepd.spec.parse import parse_mapping
from sweepd.spec.point import Json, Parameter


@pytest.mark.parametrize(
    ("document", "value", "message"),
    [
        ({"value": 0.9}, 0.8, "0.8 is not 0.9, the only value"),
        ({"values": ["sgd", "adam"]}, "adm", '"adm" is none of "sgd", "adam"'),
        ({"values": ["x", "y"], "probabilities": [0.5, 0.5]}, None, 'null is none of "x", "y"'),
        ({"values": list(range(20))}, 20, "20 is none of 0, 1, 2, 3, 4, 5, 6, 7, …"),
        ({"values": [[16], [32, 16]]}, [17], "[17] is none of [16], [32, 16]"),
        ({"value": ["x" * 56]}, 1, f'1 is not ["{"x" * 56}"], the only value'),
        ({"value": ["x" * 57]}, 1, f'1 is not ["{"x" * 57}…, the only value'),
        ({"min": 1, "max": 8}, 2.5, "2.5 is not an integer from 1 to 8"),
        ({"min": 1, "max": 8}, 2.0, "2.0 is not an integer from 1 to 8"),
        ({"min": 0.5, "max": 8}, "abc", '"abc" is not a number from 0.5 to 8.0'),
        (
            {"distribution": "log_uniform_values", "min": 1e-4, "max": 0.1},
            5,
            "5 is not a number from 0.0001 to 0.1",
        ),
        ({"distribution": "normal", "mu": 0, "sigma": 1}, True, "true is not a number"),
        ({"distribution": "log_normal", "mu": 0, "sigma": 1}, -1, "-1 is not a number of at least 0.0"),
        (
            {"distribution": "q_log_uniform_values", "min": 3, "max": 256, "q": 2},
            4.0,
            "4.0 is not an integer multiple of 2 from 4 to 256",
        ),
        ({"distribution": "q_normal", "mu": 0, "sigma": 1, "q": 0.5}, 0.3, "0.3 is not a multiple of 0.5"),
        (
            {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.25},
            0.3,
            "0.3 is not a multiple of 0.25 from 0.0 to 1.0",
        ),
    ],
)
def test_a_refusal_names_the_valid_values(document: dict[str, Json], value: Json, message: str) -> None:
    parsed = parse_mapping({"method": "random", "parameters": {"x": document}})
    assert parsed.spec is not None, parsed.diagnostics
    parameter = parsed.spec.parameters["x"]
    assert isinstance(parameter, Parameter)
    assert not parameter.distribution.contains(value)
    assert refusal(parameter.distribution, value) == message
