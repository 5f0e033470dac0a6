"""Mutations of sweep files: by bytes, by lines and by the words of the language."""

import random
import re
from collections.abc import Callable, Sequence
from typing import Final

from sweepd.spec.keys.distributions import DISTRIBUTION_KEYS
from sweepd.spec.keys.parameters import FORM_KEYS
from unit.spec.key_names import (
    GUARD_KEYS,
    KEYS,
    LATER_KEYS,
    METRIC_KEYS,
    METRICS_FROM_KEYS,
    RETRY_KEYS,
    RULE_KEYS,
    SCHEDULER_KEYS,
    STOP_WHEN_KEYS,
)

MOST_BYTES: Final = 20_000
"""Longest file that is made: large files have tests of their own, small ones are tried more often."""

_WORD: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*|-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|[^\sA-Za-z0-9_]")
_KEYS: Final = sorted(
    {
        *(*KEYS, *LATER_KEYS, *METRIC_KEYS, *RETRY_KEYS, *GUARD_KEYS, *SCHEDULER_KEYS, *STOP_WHEN_KEYS),
        *(*METRICS_FROM_KEYS, *FORM_KEYS, *RULE_KEYS, *DISTRIBUTION_KEYS, "when", "type"),
        *(key for keys in RULE_KEYS.values() for key in keys),
    }
)
_VALUES: Final = (
    *("grid", "random", "bayes", "list", "sobol", "custom", "minimize", "maximize", "worst", "best", "last"),
    *("latest", "mean", "median", "local", "cloud", "true", "false", "yes", "off", "null", "~", "''", "[]"),
    *(
        "{}",
        "0",
        "-0",
        "1",
        "-1",
        "2",
        "3",
        "10",
        "0.0",
        "-0.0",
        "0.1",
        "1.0",
        "1e-5",
        "1e5",
        "1E308",
        "1e309",
    ),
    *(
        "-1e308",
        "5e-324",
        "1e999",
        ".inf",
        "-.inf",
        ".nan",
        "007",
        "08",
        "0x1f",
        "0b1",
        "1_000",
        "1:30",
        "0_",
    ),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "9007199254740993", "1e18"),
    *("1000000", "4294967295", "4294967296", "90s", "1h30m", "0s", "1ms", "3650d", "1e9d", "'1e-5'", '"7"'),
    *(
        "&a",
        "*a",
        "<<",
        "!!str",
        "!!int",
        "!!float",
        "!!python/name:os",
        "!",
        "!!binary",
        "? ",
        "- ",
        "|",
        ">",
    ),
    *(
        "---",
        "...",
        "%YAML 1.1",
        "#",
        "\t",
        "\r\n",
        "\ufeff",
        "\x85",
        "\u2028",
        "\u202e",
        "\x1b[2J",
        '"\\e[2J"',
    ),
    *('"\\0"', '"\\ud800"', '"\\U0001F600"', "größe", "☃", "a b", "a.b", "a-b", "a/b", "x", "y", "lr", "opt"),
    *(
        "${args}",
        "${program}",
        "${lr}",
        "${",
        "}",
        "${agent.slot}",
        "${envvar:HOME}",
        "${args_json}",
        "${repeat}",
    ),
)
_EXPRESSIONS: Final = (
    *(
        " and ",
        " or ",
        "not ",
        " in ",
        " not in ",
        " == ",
        " != ",
        " < ",
        " <= ",
        " > ",
        " >= ",
        " + ",
        " - ",
    ),
    *(" * ", " / ", " // ", " % ", " ** ", "(", ")", "[", "]", ",", "min(", "max(", "abs(", "log(", "sqrt("),
    *("floor(", "ceil(", "len(", 'param("a-b")', "'adam'", "1e308", "0", "9**9**9", "a", "b", "x", "opt.lr"),
)
_WORDS: Final = tuple(word.encode() for word in (*_KEYS, *_VALUES, *_EXPRESSIONS))
_PIECES: Final = tuple(
    piece.encode()
    for piece in (
        *("{value: 1}", "{values: [1, 2]}", "{values: [a, b, null, true, [1], {c: 2}]}", "{min: 0, max: 9}"),
        *("{min: 0.0, max: 1.0}", "{values: [1, 2], probabilities: [0.5, 0.5]}", "{distribution: normal}"),
        *("{parameters: {x: {min: 1, max: 3}}}", "{values: [1, 2], when: 'x > 1'}", "{name: loss}"),
        *("{type: hyperband, min_iter: 3}", "{type: hyperband, max_iter: 27, s: 2}", "[[a, b]]", "['a < b']"),
        *("{type: asha, min_iter: 1}", "{type: median, min_iter: 1}", "{type: patience, iterations: 3}"),
        *(
            "{type: threshold, at: 3, value: 0.5}",
            "[{a: 1}, {b: 2}]",
            "{distribution: q_uniform, min: 0, max: 9}",
        ),
    )
)
Mutation = Callable[[bytes, random.Random], bytes]


def mutated(content: bytes, pool: Sequence[bytes], rng: random.Random) -> bytes:
    """Return a file that differs from `content` in a few places, with parts of other files of the pool."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5, 8))):
        if rng.random() < 0.15:
            content = _spliced(content, rng.choice(pool), rng)
        else:
            content = rng.choice(_MUTATIONS)(content, rng)
    return content[:MOST_BYTES]


def _spliced(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """Insert some lines of another file."""
    lines, others = content.splitlines(keepends=True), other.splitlines(keepends=True)
    if not others:
        return content
    start = rng.randrange(len(others))
    at = rng.randint(0, len(lines))
    return b"".join([*lines[:at], *others[start : start + rng.randint(1, 4)], *lines[at:]])


def _without_line(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    if lines:
        del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def _line_moved(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    line = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randint(0, len(lines)), line)
    return b"".join(lines)


def _line_repeated(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    lines.insert(rng.randint(0, len(lines)), rng.choice(lines))
    return b"".join(lines)


def _indented(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    at = rng.randrange(len(lines))
    lines[at] = lines[at].lstrip(b" ") if rng.random() < 0.4 else rng.choice((b" ", b"  ", b"\t")) + lines[at]
    return b"".join(lines)


def _word_replaced(content: bytes, rng: random.Random) -> bytes:
    spans = [match.span() for match in _WORD.finditer(content)]
    if not spans:
        return content
    start, end = rng.choice(spans)
    return content[:start] + rng.choice(_WORDS) + content[end:]


def _word_inserted(content: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(content))
    return content[:at] + rng.choice(_WORDS) + content[at:]


def _words_swapped(content: bytes, rng: random.Random) -> bytes:
    spans = [match.span() for match in _WORD.finditer(content)]
    if len(spans) < 2:
        return content
    (a, b), (c, d) = sorted(rng.sample(spans, 2))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _key_added(content: bytes, rng: random.Random) -> bytes:
    value = rng.choice(_PIECES if rng.random() < 0.6 else _WORDS)
    return content + b"\n" + rng.choice(_KEYS).encode() + b": " + value + b"\n"


def _piece_inserted(content: bytes, rng: random.Random) -> bytes:
    """Insert a value after a colon, a comma or a bracket."""
    places = [match.end() for match in re.finditer(rb"[:,\[{-] ?", content)]
    if not places:
        return content
    at = rng.choice(places)
    return content[:at] + rng.choice(_PIECES) + content[at + rng.choice((0, 0, 1, 4, 9)) :]


def _number_changed(content: bytes, rng: random.Random) -> bytes:
    spans = [match.span() for match in re.finditer(rb"\d+", content)]
    if not spans:
        return content
    start, end = rng.choice(spans)
    number = rng.choice(
        (0, 1, 2, 2**31, 2**53, 2**63, 10**20, int(content[start:end][:18]) + rng.randint(-2, 2))
    )
    return content[:start] + str(number).encode() + content[end:]


def _byte_changed(content: bytes, rng: random.Random) -> bytes:
    if not content:
        return bytes([rng.randrange(256)])
    at = rng.randrange(len(content))
    return content[:at] + bytes([rng.randrange(256)]) + content[at + rng.randint(0, 1) :]


def _cut(content: bytes, rng: random.Random) -> bytes:
    start = rng.randint(0, len(content))
    return content[:start] + content[start + rng.choice((1, 2, 5, 20, 100)) :]


def _part_repeated(content: bytes, rng: random.Random) -> bytes:
    start = rng.randint(0, len(content))
    part = content[start : start + rng.choice((1, 2, 5, 20, 60))]
    return content[:start] + part * rng.choice((2, 3, 40)) + content[start:]


_MUTATIONS: Final[tuple[Mutation, ...]] = (
    *(_without_line, _line_moved, _line_repeated, _indented, _word_replaced, _word_replaced, _word_inserted),
    *(_words_swapped, _key_added, _piece_inserted, _piece_inserted, _number_changed, _byte_changed, _cut),
    _part_repeated,
)
