"""Unusual and hostile files: one message each, without control characters."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from system.installation import BIN, Installation
from system.test_hostile_files import MOST_SECONDS, spent

GOOD = b"method: random\nprogram: t.py\nparameters:\n  x: {min: 0.0, max: 1.0}\n"
WRITTEN = {
    "carriage returns and line feeds": (GOOD.replace(b"\n", b"\r\n"), 0, "valid. random, 1 parameter"),
    "carriage returns alone": (GOOD.replace(b"\n", b"\r"), 0, "valid. random, 1 parameter"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, 0, "valid. random, 1 parameter"),
    "a byte order mark alone": (b"\xef\xbb\xbf", 5, "s.yaml: the file is empty"),
    "nothing": (b"", 5, "s.yaml: the file is empty"),
    "blanks": (b" \n\n \n", 5, "s.yaml: the file is empty"),
    "tabs": (GOOD.replace(b"  x", b"\tx"), 5, "s.yaml:4:1: parameters: not YAML: tabs cannot indent"),
    "latin-1": (b"name: Gr\xfc\xdfe\n" + GOOD, 5, "s.yaml:1:9: not UTF-8"),
    "a NUL byte": (b"name: a\0b\n" + GOOD, 5, "s.yaml:1:8: a NUL byte"),
    "two documents": (GOOD + b"---\n" + GOOD, 5, "s.yaml:5:1: a second document"),
    "a list": (b"- " + GOOD.replace(b"\n", b"\n  "), 5, "s.yaml:1:1: the file must hold one mapping"),
    "keys twice in JSON": (
        b'{"method": "random",\n "program": "t", "parameters": {"x": {"value": 1}},\n "method": "grid"}',
        5,
        's.yaml:3:2: method: duplicate key "method" on line 3 (first on line 1)',
    ),
    "a huge integer in JSON": (
        b'{"method": "random", "parameters": {"x": {"value": 1' + b"0" * 50 + b"}}}",
        5,
        "s.yaml:1:52: parameters.x.value: an integer outside",
    ),
    "broken JSON": (b'{"method": "random", "parameters": {', 5, "s.yaml:2:1: parameters: not YAML"),
    "10 MiB of JSON": (
        b'{"method": "random", "name": "' + b"x" * 10 * 1024 * 1024 + b'"}',
        5,
        "s.yaml: the file is larger than the maximum of 3,145,728 bytes",
    ),
}


def nothing(folder: Path) -> str:
    return str(folder / "s.yaml")


def a_folder(folder: Path) -> str:
    return str(folder)


def a_pipe_without_a_writer(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    return str(folder / "pipe")


def a_link_to_itself(folder: Path) -> str:
    (folder / "link").symlink_to("link")
    return str(folder / "link")


def a_name_too_long(folder: Path) -> str:
    return "a" * 300


NO_FILES: list[tuple[Callable[[Path], str] | str, str]] = [
    (nothing, "cannot read the file: No such file or directory"),
    (a_folder, "cannot read the file: Is a directory"),
    (a_pipe_without_a_writer, "cannot read the file: no process writes to this pipe"),
    (a_link_to_itself, "cannot read the file: Too many levels of symbolic links"),
    (a_name_too_long, "cannot read the file: File name too long"),
    # Root can read files of any mode, so this stands for every unreadable file.
    ("/proc/self/mem", "cannot read the file: Input/output error"),
    ("/dev/zero", "the file is larger than the maximum of 3,145,728 bytes"),
    ("/dev/null", "the file is empty"),
]


def validated(installation: Installation, *arguments: str, stdin: str = os.devnull) -> tuple[int, list[str]]:
    """Run `sweepctl validate` within the limits for any file; return its exit code and its lines."""
    with (installation.folder / "output").open("w+") as output, Path(stdin).open("rb") as read:
        process = subprocess.Popen(
            [str(BIN / "sweepctl"), "validate", *arguments],
            env=installation.environment,
            cwd=installation.work,
            stdin=read,
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
        start = time.monotonic()
        code, seconds = spent(process.pid)
        process.returncode = code
        assert max(seconds, time.monotonic() - start - 2 * MOST_SECONDS) < MOST_SECONDS
        output.seek(0)
        return code, output.read().splitlines()


@pytest.mark.parametrize("name", WRITTEN)
def test_each_encoding_and_syntax_is_accepted_or_refused_in_one_message(
    installation: Installation, name: str
) -> None:
    content, code, words = WRITTEN[name]
    (installation.work / "s.yaml").write_bytes(content)
    found, lines = validated(installation, "s.yaml")
    assert (found, words in lines[0]) == (code, True), lines
    assert len(lines) == (1 if code == 0 else 3)


@pytest.mark.parametrize(("make", "words"), NO_FILES, ids=lambda value: getattr(value, "__name__", value))
def test_a_path_that_is_not_a_readable_file_is_refused_in_one_message(
    installation: Installation, make: Callable[[Path], str] | str, words: str
) -> None:
    file = make if isinstance(make, str) else make(installation.work)
    code, (finding, problem, remedy) = validated(installation, file)
    assert (code, finding) == (5, f"{file}: {words}") or finding.startswith(f"{file}: {words}")
    assert problem == f"error: {file} is not a valid sweep file: 1 error"
    assert remedy.startswith("  next:  ")


def test_a_pipe_with_a_slow_writer_is_read(installation: Installation) -> None:
    pipe = installation.work / "pipe"
    os.mkfifo(pipe)

    def write_slowly() -> None:
        with pipe.open("wb") as stream:
            stream.write(GOOD[:20])
            stream.flush()
            threading.Event().wait(3)  # longer than the allowed time without a writer
            stream.write(GOOD[20:])

    writer = threading.Thread(target=write_slowly)
    writer.start()
    code, lines = validated(installation, "pipe")
    writer.join()
    assert (code, lines) == (
        0,
        ["pipe: valid. random, 1 parameter to search, space: infinitely many points."],
    )


def test_stdin_is_read_up_to_a_limit(installation: Installation) -> None:
    file = installation.work / "s.yaml"
    file.write_bytes(GOOD)
    assert validated(installation, "-", stdin=str(file)) == (
        0,
        ["stdin: valid. random, 1 parameter to search, space: infinitely many points."],
    )
    code, lines = validated(installation, "-", stdin="/dev/zero")
    assert (code, lines[0]) == (5, "stdin: the file is larger than the maximum of 3,145,728 bytes")
    closed = subprocess.run(
        ["/bin/sh", "-c", f"exec '{BIN / 'sweepctl'}' validate - <&-"],
        env=installation.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert closed.returncode == 5
    assert closed.stderr.startswith("stdin: cannot read the file: stdin is closed\n")


ESCAPES = "\\e[31m\\e]0;owned\\a\\r\\x9b2J\\u202e\\u2066\\u2028\\x7f\\b"
SHOWN = {
    "wrong": f'"{ESCAPES}": 1\nmethod: "{ESCAPES}"\nproject: "{ESCAPES}"\nparameters: {{"{ESCAPES}": 3}}\n',
    "wrong values": f'method: list\nruns: [3, "{ESCAPES}"]\nrun_cap: "{ESCAPES}"\ntags: ["{ESCAPES}"]\n',
    "wrong rules": f"method: random\nparameters: {{a: {{values: [1, 2]}}}}\ninitial: [{{a: '{ESCAPES}'}}]\n"
    f'constraints: ["a == \'{ESCAPES}\'", "{ESCAPES}"]\nzip: [["{ESCAPES}", a]]\n',
    "points outside": "method: random\nparameters: {a: {values: [1, 2]}}\n"
    f'initial: [{{a: "{ESCAPES}"}}, {{"{ESCAPES}": 1}}]\n',
    "wrong place": 'method: random\nproject: "\\e\\u202e\\a"\nparameters: {a: {values: [1, 2]}}\n',
    "raw": "method: random\nname: \x1b[31m\nparameters: {a: {values: [1, 2]}}\n",
    "an alias": "method: *\u202e\u2066\n",
    "a tag": "method: !\u202e\u2066 3\n",
    "right": f'method: grid\nprogram: "{ESCAPES}.py"\nproject: "{ESCAPES}"\n'
    f'name: "{ESCAPES}"\ndescription: "{ESCAPES}"\n'
    f'parameters: {{a: {{values: ["{ESCAPES}"]}}, b: {{value: {{"{ESCAPES}": 1}}}}}}\n'
    f'metadata: {{"{ESCAPES}": "{ESCAPES}"}}\ncommand: ["{ESCAPES}", "${{{ESCAPES}}}", "${{args}}"]\n',
}
"""Sweep files with control characters, by their kind of error."""

_STEERING = {
    *map(
        chr,
        [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    )
}


@pytest.mark.parametrize("name", SHOWN)
def test_control_characters_of_a_file_or_its_name_never_reach_the_terminal(
    installation: Installation, name: str
) -> None:
    file = "a\x1b[31m\r\x9b2J\u202e\x07\u2028.yaml"
    (installation.work / file).write_text(SHOWN[name], newline="")
    calls = [
        *(("validate", file), ("validate", file, "-o", "yaml"), ("validate", file, "--error-format", "json")),
        *(("preview", file), ("create", file), ("run", file)),
    ]
    if name == "right":
        calls += [
            *(("validate", file, "-o", "json"), ("validate", f"{file}.not"), ("create", file, "-o", "json")),
            *(("preview", file, "-o", form) for form in ("wide", "json", "jsonl", "yaml")),
        ]
    for call in calls:
        done = installation.ctl(*call, code=None)
        text = (done.stdout + done.stderr).replace("\n", "")
        assert not _STEERING.intersection(text), (call, text)
        assert "Traceback" not in text, (call, text)
        unplaced = name == "wrong place" and call[0] == "preview"  # a preview ignores the project
        assert done.returncode in ((0, 1, 2, 5, 6, 8) if name == "right" or unplaced else (5, 6)), (
            call,
            done,
        )
        assert text, call


def test_a_file_name_that_is_not_text_is_shown_as_bytes(installation: Installation) -> None:
    file = os.fsdecode(b"\xff\xfe.yaml")
    (installation.work / file).write_bytes(GOOD)
    strict = {**installation.environment, "PYTHONIOENCODING": "utf-8:strict"}
    for form in ((), ("-o", "json"), ("-o", "yaml"), ("--error-format", "json")):
        done = subprocess.run(
            [BIN / "sweepctl", "validate", file, *form],
            env=strict,
            cwd=installation.work,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done
        assert form == ("--error-format", "json") or b"\\xff" in done.stdout + done.stderr
