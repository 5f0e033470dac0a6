"""Hostile sweep files, which must be refused quickly and with little memory."""

from collections.abc import Iterator

HEAD = b"method: random\nprogram: t.py\nmetric: {name: loss}\n"
SPACE = HEAD + b"parameters: {a: {values: [1, 2]}, x: {min: 0.0, max: 1.0}}\n"
MAX_BYTES = 3 * 1024 * 1024


def _bomb(opening: str, item: str, closing: str) -> bytes:
    first = f"a0: &a0 {opening}{', '.join(item.format(n, 'x') for n in range(10))}{closing}\n"
    levels = (
        f"a{level + 1}: &a{level + 1} {opening}"
        f"{', '.join(item.format(n, f'*a{level}') for n in range(10))}{closing}\n"
        for level in range(25)
    )
    return (first + "".join(levels)).encode()


def _filled(head: bytes, part: bytes) -> bytes:
    return head + part * ((MAX_BYTES - len(head)) // len(part))


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
    "aliases below the limit of entries, text above the limit of size": HEAD
    + b"description: &t '" + b"x" * 60_000 + b"'\nparameters: {a: {values: [" + b"*t, " * 200 + b"]}}\n",
    "an alias that contains itself": b"a: &a {b: *a}\n",
    "deep lists": b"a: " + b"[" * 1_000_000,
    "deep mappings": b"{a: " * 500_000,
    "deep blocks": b"- " * 1_000_000,
    "deep keys": b"? " * 1_000_000,
    "deep JSON": b'{"a":' * 500_000,
    "closed deep JSON": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep indentation": b"".join(b" " * n + b"a:\n" for n in range(1_500)),
    "deep groups": HEAD + b"parameters: " + b"{g: {parameters: " * 40 + b"{a: {value: 1}}" + b"}}" * 40,
    "a tag that runs code": b"method: !!python/object/apply:os.system ['touch hurt']\n",
    "a tag that makes objects": b"method: !!python/object/new:os.system [touch hurt]\n",
    "a tag that imports": b"!!python/module:os {}\n",
    "duplicate keys": _filled(HEAD, b"a: 1\n"),
    "unknown keys": _numbered("", "k{0}: 1\n", 200_000),
    "misspelled keys": _numbered("", "parameter{0}: 1\n", 100_000),
    "a long key": b"a" * (MAX_BYTES - 10) + b": 1\n",
    "an endless integer": b"run_cap: " + b"9" * (MAX_BYTES - 20),
    "an endless float": b"run_cap: 1." + b"9" * (MAX_BYTES - 20),
    "an endless exponent": b"run_cap: 1e" + b"9" * (MAX_BYTES - 20),
    "an endless base": b"run_cap: 1" + b":59" * 1_000_000,
    "an endless JSON integer": b'{"run_cap": ' + b"9" * (MAX_BYTES - 20) + b"}",
    "a huge exponent": SPACE + b"run_cap: 1e999999999\n",
    "many documents": _filled(b"", b"---\na: 1\n"),
    "only document end markers": _filled(b"", b"...\n"),
    "only comments": _filled(b"", b"#\n"),
    "only spaces": b" " * MAX_BYTES,
    "not utf-8": HEAD + b"name: '" + b"\xff\xfe" * 1_000_000 + b"'\n",
    "utf-16": HEAD.decode().encode("utf-16"),
    "null bytes": b"\0" * MAX_BYTES,
    "terminal escape sequences": b'"\\e]0;owned\\a\\e[2J": 1\nmethod: "\\e[31mgrid\\u202e"\n',
    "10 MiB": b"a: " + b"x" * 10 * 1024 * 1024,
    "bad parameters": _numbered("method: random\nparameters:\n", "  p{0}: {{min: 3, max: 1}}\n", 80_000),
    "bad values": HEAD + b"parameters: {a: {values: [" + b".nan, " * 200_000 + b"]}}\n",
    "bad probabilities": HEAD
    + b"parameters: {a: {values: [" + b"1," * 100_000 + b"], probabilities: [" + b"2," * 100_000 + b"]}}\n",
    "misspelled names among many parameters": _numbered(
        "method: random\nparameters:\n", "  parameter{0}: {{value: 1}}\n", 50_000
    )
    + b"initial:\n" + b"".join(b"- {paramete%d: 1}\n" % n for n in range(1_000)),
    "many points outside the space": SPACE + b"initial: [" + b"{a: 3}, " * 80_000 + b"]\n",
    "many rules": SPACE + b"early_terminate: [" + b"{}, " * 200_000 + b"]\n",
    "many tags": SPACE + b"tags: [" + b"a, " * 240_000 + b"]\n",
    "many labels": _numbered(SPACE.decode() + "requires:\n", "  l{0}: x\n", 200_000),
    "large metadata": SPACE + b"metadata: {a: [" + b"1, " * 240_000 + b"]}\n",
    "a long expression": SPACE + b"constraints: ['" + b"a + " * 500_000 + b"1 > 0']\n",
    "a deep expression": SPACE + b"constraints: ['" + b"(" * 400 + b"a" + b")" * 400 + b" > 3']\n",
    "a hostile expression": SPACE + b"constraints: ['__import__(\"os\").system(\"touch hurt\")']\n",
    "a power": SPACE + b"constraints: ['9**9**9**9**9 > x']\n",
    "a repeated text": SPACE + b"constraints: ['len(\"x\" * 10**12) > x']\n",
    "many conditions": HEAD
    + _numbered("parameters:\n", "  p{0}: {{value: 1, when: 'q > 0'}}\n", 40_000),
    "many conditions on one parameter": HEAD
    + _numbered("parameters:\n  q: {min: 0, max: 9}\n", "  p{0}: {{value: 1, when: 'q > 9'}}\n", 30_000),
    "many constraints": SPACE + b"constraints: [" + b"b > 1, " * 100_000 + b"]\n",
    "many zips": SPACE + b"zip: [" + b"[b, c], " * 60_000 + b"]\n",
    "circular conditions": HEAD
    + _numbered("parameters:\n", "  p{0}: {{value: 1, when: 'p{0} > 0'}}\n", 10_000),
    "a command of unclosed macros": SPACE + b"command: [" + b"'${" * 300_000 + b"']\n" + b"run_cap: 0\n",
    "an endless duration": SPACE + b"sweep_timeout: " + b"1h" * 500_000 + b"\n",
    "many digits in a duration": SPACE + b"sweep_timeout: " + b"1" * 1_000_000 + b"x\n",
}  # fmt: skip
"""Contents of the files, by test name."""

SLOW = (
    "many conditions",
    "unknown keys",
    "misspelled names among many parameters",
    "many labels",
    "many conditions on one parameter",
    "many rules",
    "bad probabilities",
    "many zips",
    "misspelled keys",
    "many tags",
)
"""Names of files that take seconds to read; only a slow test sends them to one server."""


def finding_lines(stderr: str) -> Iterator[str]:
    """Yield the lines that report findings, without the summary of the command."""
    for line in stderr.splitlines():
        if not line.startswith(("error: ", "  next: ", "  cause: ")):
            yield line
