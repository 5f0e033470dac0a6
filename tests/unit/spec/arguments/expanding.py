"""Expansion of a command with the values of one point, for the tests."""

from sweepd.spec.command import expand_command
from sweepd.spec.macros import AgentFacts, MacroValues
from sweepd.spec.point import Json

PARAMS: dict[str, Json] = {"lr": 0.1, "flag": True, "off": False, "opt": {"k": 1}, "s": "a b", "n": None}


def expand(
    *command: str,
    params: dict[str, Json] = PARAMS,
    program: str | None = "train me.py",
    environ: dict[str, str] | None = None,
    agent: AgentFacts | None = None,
    repeat: int = 0,
    windows: bool = False,
) -> list[str]:
    values = MacroValues(
        program=program,
        params=params,
        args_json_file="/run/args.json",
        agent=agent,
        repeat=repeat,
        windows=windows,
    )
    return expand_command(command, values, environ or {})
