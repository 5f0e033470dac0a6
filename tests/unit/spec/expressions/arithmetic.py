"""Random arithmetic over the parameters `a` and `b`, which Python reads the same way."""

from hypothesis import strategies as st

NUMBERS = st.integers(-50, 50) | st.floats(-50, 50).map(lambda x: round(x, 3))


@st.composite
def sums(draw: st.DrawFn, depth: int = 3) -> str:
    """Draw arithmetic that Python reads the same way, with and without parentheses."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(["a", "b"]) | NUMBERS.map(lambda x: f"{abs(x)}"))
    left, right = draw(sums(depth - 1)), draw(sums(depth - 1))
    form = draw(
        st.sampled_from(
            [
                *("{} + {}", "{} - {}", "{} * {}", "({}) / ({})", "({} + {})", "-{} + {}", "{} // ({})"),
                *("({}) % ({})", "min({}, {})", "max({}, {})", "abs({}) + {}", "floor({}) - ceil({})"),
            ]
        )
    )
    return form.format(left, right)
