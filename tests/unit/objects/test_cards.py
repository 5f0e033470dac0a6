"""Cards are self-contained, and text of users never becomes markup."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd import v1
from sweepd.objects.cards import curve, run_card, stairs, sweep_card
from sweepd.objects.results import BestSoFar, History
from sweepd.spec.point import Json
from unit.objects.messages import a_run, a_series, a_sweep

_TAGS = {"div", "style", "p", "b", "table", "thead", "tbody", "tr", "th", "td"}
_SVG = {"svg", "path", "text", "g", "circle", "polyline"}
_ATTRIBUTES = {
    *("class", "viewbox", "width", "height", "role", "aria-label", "d", "x", "y", "text-anchor"),
    *("cx", "cy", "r", "points"),
}
_OUTSIDE = re.compile(
    r"https?:|//|url\(|@import|<script|<link|<img|\bon\w+=|javascript:|data:", re.IGNORECASE
)
HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'\" onload='alert(1)",
    "</svg></div><iframe src=//evil.example>",
    "&lt;script&gt;",
    "<!-- ",
    "]]>",
    "https://evil.example/x.png",
    "url(//evil.example)",
    "a\x1b[31m\u202e\u2028c",
    "x" * 100_000,
    "\U0001f600",
    "",
]


class _Reader(HTMLParser):
    """Parser that accepts only known tags and attributes, and only properly nested tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _TAGS | _SVG, tag
        assert {name for name, _ in attrs} <= _ATTRIBUTES, attrs
        self.open.append(tag)
        self.seen.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] != "style":
            self.text += f"{data} "

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def read(card: str) -> _Reader:
    reader = _Reader()
    reader.feed(card)
    reader.close()
    assert reader.open == []
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", card)
    return reader


@pytest.mark.parametrize("word", HOSTILE)
def test_text_of_a_user_never_becomes_markup(word: str) -> None:
    sweep = a_sweep(reason=word, best_value=0.5)
    sweep.name, sweep.spec.name, sweep.spec.metric.name = f"a/b/{word}", word, word or "loss"
    run = a_run(1, 0.5, params={word or "p": word, "list": [word, {word: 1}]}, reason=word)
    values = [BestSoFar(word, 1, None, 0.5, 0.5), BestSoFar(word, 2, None, 0.4, 0.4)]
    card = sweep_card(sweep, values, [run, run], note=word)
    reader = read(card)
    assert reader.seen.count("svg") == 1
    assert word[:1] in reader.text
    one = run_card(run, History("a/b/c-1", [a_series(word or "k", 1.0, 2.0)]), note=word)
    read(one)
    assert len(card) < 20_000
    assert len(one) < 20_000


def test_a_card_has_no_external_reference() -> None:
    values = [BestSoFar("r", number, None, 1 / number, 1 / number) for number in range(1, 9)]
    card = sweep_card(a_sweep(best_value=0.125), values, [a_run(1, 0.5, params={"lr": 0.1})])
    assert not _OUTSIDE.search(card)
    assert not _OUTSIDE.search(run_card(a_run(1, 0.5), History("r", [a_series("loss", 1.0, 0.5)])))


def test_a_card_uses_the_colours_of_its_page() -> None:
    card = sweep_card(a_sweep(), [BestSoFar("r", 1, None, 1.0, 1.0)], [a_run(1, 1.0)])
    colours = set(re.findall(r"(?:color|fill|stroke|background):([^;}]+)", card))
    assert colours == {"inherit", "none", "currentColor", "#3b82f6"}


@given(st.text(), st.recursive(st.none() | st.text() | st.floats(), st.lists, max_leaves=4), st.floats())
def test_any_text_and_any_number_give_a_well_formed_card(word: str, value: object, number: float) -> None:
    sweep = a_sweep(best_value=number)
    sweep.spec.name = word.encode("utf-8", "replace").decode()
    values = [BestSoFar(word, index, None, number * index, number) for index in range(3)]
    read(sweep_card(sweep, values, [], note=f"{word}{value}"))


def test_no_curve_is_drawn_without_finite_values() -> None:
    assert curve([], [], across="x", up="y") == ""
    assert curve([(1.0, math.nan), (2.0, math.inf)], [(1.0, 1e301)], across="x", up="y") == ""
    assert "<polyline" in curve([(1.0, 5.0)], [], across="x", up="y")


def test_a_long_curve_is_reduced_to_the_resolution_of_the_drawing() -> None:
    drawn = curve(stairs([(float(x), 1 / (x + 1)) for x in range(10_000)]), [], across="x", up="y")
    corners = drawn.partition('points="')[2].partition('"')[0].split()
    assert len(corners) <= 402
    assert (corners[0], corners[-1]) == ("62.0,10.0", "448.0,124.0")


def test_a_single_value_is_drawn_as_a_dot_and_labelled_once() -> None:
    drawn = curve([(3.0, 0.5)], [], across="step", up="loss")
    assert drawn.count("<circle") == 1
    assert re.findall(r">([^<>]+)</text>", drawn) == ["0.5", "step 3"]


def test_a_drawing_without_its_tags_is_readable_text() -> None:
    drawn = curve([(1.0, 0.5), (9.0, 0.25)], [], across="step", up="loss")
    assert re.sub(r"<[^>]+>", "", drawn) == "0.5 0.25 1 step 9"


def test_a_card_counts_existing_and_planned_runs() -> None:
    some = v1.RunCounts(finished=2, running=1)
    for text, sweep in (
        ("no runs yet<", a_sweep()),
        ("no runs yet, 6 planned", a_sweep(planned_runs=6)),
        ("3 of 6 runs: 1 running, 2 finished", a_sweep(planned_runs=6, run_counts=some)),
        ("3 runs: 1 running, 2 finished", a_sweep(planned_runs=3, run_counts=some)),
        ("3 runs: 1 running, 2 finished", a_sweep(run_counts=some)),
    ):
        assert text in sweep_card(sweep, (), ())


def test_numbers_of_a_table_are_short_and_right_aligned() -> None:
    params: dict[str, Json] = {"lr": 0.123456789, "layers": [64, 32], "on": True}
    card = run_card(a_run(1, 0.123456789, params=params), None)
    assert "value <b>0.123457</b>" in card
    table = sweep_card(a_sweep(), (), [a_run(1, 0.5, params=params), a_run(2, params=params)])
    assert '<td class="number">0.1235</td>' in table
    assert "<td>[64, 32]</td>" in table
    assert '<th class="number">value</th>' in table
    assert "<td>true</td>" in table


def test_a_step_curve_keeps_each_value_until_the_next() -> None:
    assert stairs([(1, 3.0), (2, 1.0)]) == [(1, 3.0), (2, 3.0), (2, 1.0)]


def test_a_run_without_numeric_values_has_no_curve() -> None:
    history = History("r", [a_series("note", "a", "b"), a_series("loss", 1.0, 0.5)])
    assert "loss over step" in run_card(a_run(1), history)
    assert "<svg" not in run_card(a_run(1), History("r", [a_series("note", "a")]))
