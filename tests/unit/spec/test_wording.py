"""Words and values in messages: suggestions, and text that fits."""

import pytest

from sweepd.spec.wording import close, likely_word, nearest, printable, shown, unbounded_sentence

KEYS = ("method", "metric", "parameters", "retry", "run_cap")


@pytest.mark.parametrize(
    ("word", "legal"),
    [
        ("metod", "method"),
        ("METRIC", "metric"),
        ("retries", "retry"),  # not `metric`, which shares as many letters
        ("param", "parameters"),
        ("pa", None),
        ("x", None),
        ("", None),
    ],
)
def test_the_nearest_word_is_similar_or_has_the_same_start(word: str, legal: str | None) -> None:
    assert nearest(word, KEYS) == legal


def test_a_suggestion_is_written_as_the_legal_word_is() -> None:
    assert nearest("LEARNINGRATE", ["learningRate"]) == "learningRate"


@pytest.mark.parametrize(
    ("word", "legal"),
    [("metod", "method"), ("retrys", "retry"), ("retries", None), ("param", None), ("x", None)],
)
def test_a_close_word_is_almost_certainly_a_typo(word: str, legal: str | None) -> None:
    assert close(word, KEYS) == legal


def test_keys_of_other_tools_suggest_the_equivalent_key_where_it_is_legal() -> None:
    assert likely_word("N_trials", KEYS) == "run_cap"
    assert likely_word("n_trials", ("method",)) is None
    assert likely_word("metod", KEYS) == "method"


def test_comparisons_of_words_are_bounded() -> None:
    names = [f"{number:03}" for number in range(300)]
    assert close("299", names) == nearest("299", names) == "299"
    assert close("wanted", [*names, "wanted"]) is nearest("wanted", [*names, "wanted"]) is None
    assert nearest("a" * 64 + "b" * 1_000, ["a" * 64]) == "a" * 64


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (0.5, "0.5"),
        ([1], "a list"),
        ((1,), "a list"),
        ({"a": 1}, "a mapping"),
        ("x" * 58, f'"{"x" * 58}"'),
        ("x" * 59, f'"{"x" * 58}…'),
    ],
)
def test_a_value_is_shown_as_in_a_file_and_at_most_sixty_characters(value: object, text: str) -> None:
    assert shown(value) == text


def test_control_characters_are_escaped() -> None:
    assert printable("a\x1b[2J é\u202e\ud800") == "a\\x1b[2J é\\u202e\\ud800"


def test_an_unbounded_sweep_is_explained_with_the_command_that_stops_it() -> None:
    assert "`sweepctl stop team/project/abc`" in unbounded_sentence("team/project/abc")
