"""The examples of docs/python.md and docs/quickstart.md run in order, with real servers and agents."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sweepd import Sweep
from system.installation import Agent, Installation
from system.objects.conftest import Here

DOCS = Path(__file__).resolve().parents[3] / "docs"
_TRAIN = """
import sweepd
sweepd.init()
print("learning")
for epoch in range(3):
    sweepd.log({"loss": sweepd.config.lr + 1 / (epoch + 1), "epoch": epoch})
"""


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and content of each code block."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def lasting(text: str) -> list[str]:
    """Return the lines of an output without variable parts: numbers, names, widths, folders."""
    found = re.search(r"sweep-agent --sweep local/train/(\w+)", text)
    assert found is not None
    text = re.sub(r"data=\S+", "data=", text.replace(found[1], "ID"))
    return [" ".join(re.sub(r"\d[\d.e-]*", "0", line).split()) for line in text.splitlines()]


def test_the_examples_of_the_python_page_run(
    here: Here, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SWEEPD_ADDRESS", here.server.address)
    monkeypatch.setenv("SWEEPD_TOKEN", here.server.access_token)
    monkeypatch.chdir(here.installation.work)
    here.installation.write("train.py", _TRAIN)
    names: dict[str, Any] = {}
    agents: list[Agent] = []
    found = blocks(DOCS / "python.md")
    assert len(found) >= 9
    for language, code in found:
        if language == "sh":
            assert code == "sweep-agent --sweep local/demo/k3x9v2ab --slots 2\n"
            agents.append(here.installation.start_agent(names["sweep"].name, "--slots", "2"))
        else:
            exec(compile(code, "docs/python.md", "exec"), names)
        if "sweep.wait()" in code:  # a run may end before its agent has sent everything else
            assert [agent.process.wait(60) for agent in agents] == [0]
    sweep = names["sweep"]
    assert isinstance(sweep, Sweep)
    assert (sweep.state, sweep.tags, sweep.run_counts["finished"]) == ("finished", ["first"], 6)
    assert (names["best"].value, names["best"].params["lr"]) == (0.01 + 1 / 3, 0.01)
    assert isinstance(names["frame"], pd.DataFrame)
    assert len(names["rows"]) == len(names["table"]) == names["arrow"].num_rows == 6
    assert "<svg" in names["card"]
    printed = capsys.readouterr().out
    assert f"<Sweep {sweep.name} pending: no runs>" in printed
    assert "no sweep named local/demo/nothing no-such-name" in printed
    assert "parameters.lr.vals unknown-key values" in printed
    assert "learning" in printed
    names["api"].__exit__(None, None, None)


def test_the_commands_of_the_quickstart_run(tmp_path: Path) -> None:
    """Run all commands in one shell, in an empty home; only the port is replaced by a free one."""
    installation = Installation(tmp_path)
    script, shown = ["set -eu"], []
    for language, code in blocks(DOCS / "quickstart.md"):
        match language:
            case "python":
                installation.write("train.py", code)
            case "yaml":
                installation.write("sweep.yaml", code)
            case "sh":
                script.append(code.replace("sweepd up -d", "sweepd up -d --listen 127.0.0.1:0"))
            case "text":
                shown.append(code)
            case _:
                assert code == "pip install '.[server]'\n"
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", "\n".join(script)],
            env=installation.environment,
            cwd=installation.work,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done
        assert {*lasting("".join(shown))} <= {*lasting(f"{done.stdout}\n{done.stderr}"), "..."}
        assert re.search(r"^--batch=\d+ --lr=\S+$", done.stdout, re.MULTILINE)
        assert re.search(r"^y = [\d.]+ x \+ -?[\d.]+$", done.stdout, re.MULTILINE)
        assert (installation.work / "runs.csv").read_text().count("\n") == 9
        installation.nothing_is_left()
    finally:
        installation.kill_everything()
