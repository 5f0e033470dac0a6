"""Hostile sweep files: each must be refused with one message, quickly and in little memory."""

from collections.abc import Iterator

HEAD = b"method: random\nprogram: t.py\nmetric: {name: loss}\n"
SPACE = HEAD + b"parameters: {a: {values: [1, 2]}, x: {min: 0.0, max: 1.0}}\n"
MOST = 3 * 1024 * 1024


def _bomb(opening: str, item: str, closing: str) -> bytes:
    first = f"a0: &a0 {opening}{', '.join(item.format(n, 'x') for n in range(10))}{closing}\n"
    levels = (
        f"a{level + 1}: &a{level + 1} {opening}"
        f"{', '.join(item.format(n, f'*a{level}') for n in range(10))}{closing}\n"
        for level in range(25)
    )
    return (first + "".join(levels)).encode()


def _filled(head: bytes, part: bytes) -> bytes:
    return head + part * ((MOST - len(head)) // len(part))


def _numbered(head: str, part: str, count: int) -> bytes:
    return (head + "".join(part.format(n) for n in range(count))).encode()


REFUSED: dict[str, bytes] = {
    "alias bomb of lists": _bomb("[", "{1}", "]"),
    "alias bomb of mappings": _bomb("{", "k{0}: {1}", "}"),
    "alias bomb of merges": b"a0: &a0 {x: 1}\n"
    + b"".join(
        b"a%d: &a%d {<<: [%s]}\n" % (n + 1, n + 1, b", ".join([b"*a%d" % n] * 10)) for n in range(25)
    ),
    "alias bomb of text": b"t: &t '" + b"x" * 60_000 + b"'\nvalues: [" + b"*t, " * 5_000 + b"]\n",
    "aliases within the weight, text beyond the size": HEAD
    + b"description: &t '" + b"x" * 60_000 + b"'\nparameters: {a: {values: [" + b"*t, " * 200 + b"]}}\n",
    "an alias of itself": b"a: &a {b: *a}\n",
    "deep lists": b"a: " + b"[" * 1_000_000,
    "deep mappings": b"{a: " * 500_000,
    "deep blocks": b"- " * 1_000_000,
    "deep keys": b"? " * 1_000_000,
    "deep json": b'{"a":' * 500_000,
    "closed deep json": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep indentation": b"".join(b" " * n + b"a:\n" for n in range(1_500)),
    "deep groups": HEAD + b"parameters: " + b"{g: {parameters: " * 40 + b"{a: {value: 1}}" + b"}}" * 40,
    "a tag that runs code": b"method: !!python/object/apply:os.system ['touch hurt']\n",
    "a tag that makes objects": b"method: !!python/object/new:os.system [touch hurt]\n",
    "a tag that imports": b"!!python/module:os {}\n",
    "duplicate keys": _filled(HEAD, b"a: 1\n"),
    "unknown keys": _numbered("", "k{0}: 1\n", 200_000),
    "keys that are nearly right": _numbered("", "parameter{0}: 1\n", 100_000),
    "a long key": b"a" * (MOST - 10) + b": 1\n",
    "an endless integer": b"run_cap: " + b"9" * (MOST - 20),
    "an endless float": b"run_cap: 1." + b"9" * (MOST - 20),
    "an endless exponent": b"run_cap: 1e" + b"9" * (MOST - 20),
    "an endless base": b"run_cap: 1" + b":59" * 1_000_000,
    "an endless json integer": b'{"run_cap": ' + b"9" * (MOST - 20) + b"}",
    "a huge exponent": SPACE + b"run_cap: 1e999999999\n",
    "many documents": _filled(b"", b"---\na: 1\n"),
    "nothing but ends": _filled(b"", b"...\n"),
    "nothing but comments": _filled(b"", b"#\n"),
    "nothing but blanks": b" " * MOST,
    "not utf-8": HEAD + b"name: '" + b"\xff\xfe" * 1_000_000 + b"'\n",
    "utf-16": HEAD.decode().encode("utf-16"),
    "zeros": b"\0" * MOST,
    "escapes for a terminal": b'"\\e]0;owned\\a\\e[2J": 1\nmethod: "\\e[31mgrid\\u202e"\n',
    "10 MiB": b"a: " + b"x" * 10 * 1024 * 1024,
    "bad parameters": _numbered("method: random\nparameters:\n", "  p{0}: {{min: 3, max: 1}}\n", 80_000),
    "bad values": HEAD + b"parameters: {a: {values: [" + b".nan, " * 200_000 + b"]}}\n",
    "bad probabilities": HEAD
    + b"parameters: {a: {values: [" + b"1," * 100_000 + b"], probabilities: [" + b"2," * 100_000 + b"]}}\n",
    "names beside many parameters": _numbered(
        "method: random\nparameters:\n", "  parameter{0}: {{value: 1}}\n", 50_000
    )
    + b"initial:\n" + b"".join(b"- {paramete%d: 1}\n" % n for n in range(1_000)),
    "points outside": SPACE + b"initial: [" + b"{a: 3}, " * 80_000 + b"]\n",
    "rules without end": SPACE + b"early_terminate: [" + b"{}, " * 200_000 + b"]\n",
    "tags without end": SPACE + b"tags: [" + b"a, " * 240_000 + b"]\n",
    "labels without end": _numbered(SPACE.decode() + "requires:\n", "  l{0}: x\n", 200_000),
    "heavy metadata": SPACE + b"metadata: {a: [" + b"1, " * 240_000 + b"]}\n",
    "a long expression": SPACE + b"constraints: ['" + b"a + " * 500_000 + b"1 > 0']\n",
    "a deep expression": SPACE + b"constraints: ['" + b"(" * 400 + b"a" + b")" * 400 + b" > 3']\n",
    "a hostile expression": SPACE + b"constraints: ['__import__(\"os\").system(\"touch hurt\")']\n",
    "a power": SPACE + b"constraints: ['9**9**9**9**9 > x']\n",
    "a repeated text": SPACE + b"constraints: ['len(\"x\" * 10**12) > x']\n",
    "conditions without end": HEAD
    + _numbered("parameters:\n", "  p{0}: {{value: 1, when: 'q > 0'}}\n", 40_000),
    "conditions that wait for one": HEAD
    + _numbered("parameters:\n  q: {min: 0, max: 9}\n", "  p{0}: {{value: 1, when: 'q > 9'}}\n", 30_000),
    "expressions without end": SPACE + b"constraints: [" + b"b > 1, " * 100_000 + b"]\n",
    "zips without end": SPACE + b"zip: [" + b"[b, c], " * 60_000 + b"]\n",
    "a condition in a circle": HEAD
    + _numbered("parameters:\n", "  p{0}: {{value: 1, when: 'p{0} > 0'}}\n", 10_000),
    "a program of macros": SPACE + b"command: [" + b"'${" * 300_000 + b"']\n" + b"run_cap: 0\n",
    "a duration without end": SPACE + b"sweep_timeout: " + b"1h" * 500_000 + b"\n",
    "a regular expression's nightmare": SPACE + b"sweep_timeout: " + b"1" * 1_000_000 + b"x\n",
}  # fmt: skip
"""Files that are refused, by the names of their tests."""

LONG = (
    "conditions without end",
    "unknown keys",
    "names beside many parameters",
    "labels without end",
    "conditions that wait for one",
    "rules without end",
    "bad probabilities",
    "zips without end",
    "keys that are nearly right",
    "tags without end",
)
"""To read each of these takes about as many seconds as others of its kind that are not named here."""


def lines_of(stderr: str) -> Iterator[str]:
    """Yield the lines of findings, without the summary of the command."""
    for line in stderr.splitlines():
        if not line.startswith(("error: ", "  next: ", "  cause: ")):
            yield line
