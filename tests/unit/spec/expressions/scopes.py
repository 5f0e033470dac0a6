"""A scope with parameters of every kind, and values for all of them except `gone`."""

from sweepd.spec.distributions.continuous import Uniform
from sweepd.spec.distributions.discrete import Categorical, Constant
from sweepd.spec.expressions.expression import Scope
from sweepd.spec.point import Json, Path

NUMBER = Uniform(min=-1e9, max=1e9)
SCOPE = Scope(
    {
        ("a",): NUMBER,
        ("b",): NUMBER,
        ("gone",): NUMBER,
        ("model", "layer.0.size"): NUMBER,
        ("a-b",): NUMBER,
        ("data/set",): NUMBER,
        ("in",): NUMBER,
        ("x.y",): NUMBER,
        ("g", "inner", "lr"): NUMBER,
        ("text",): Categorical(values=("sgd", "adam")),
        ("flag",): Categorical(values=(True, False)),
        ("none",): Categorical(values=(None, 3)),
        ("sizes",): Categorical(values=([1, 2], [], ["x"])),
        ("table",): Constant(value={"k": 1}),
        ("mixed",): Categorical(values=(1, "one", True, None, [1], {"k": 1})),
    }
)
VALUES: dict[Path, Json] = {
    ("a",): 7,
    ("b",): 2,
    ("model", "layer.0.size"): 64,
    ("a-b",): 5,
    ("data/set",): 6,
    ("in",): 8,
    ("x.y",): 9,
    ("g", "inner", "lr"): 0.1,
    ("text",): "adam",
    ("flag",): True,
    ("none",): None,
    ("sizes",): [1, 2],
    ("table",): {"k": 1},
    ("mixed",): 1,
}
