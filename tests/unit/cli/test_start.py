"""`sweepctl` starts without loading modules that it does not need."""

from __future__ import annotations

import subprocess
import sys

from sweepd.cli.main import COMMANDS, group


def test_help_loads_neither_grpc_nor_yaml_nor_rich() -> None:
    program = (
        "import sys; from sweepd.cli.main import main; code = main(['--help']);"
        "heavy = {'grpc', 'yaml', 'rich', 'google.protobuf', 'sweepd.v1', 'sweepd.spec'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: sweepctl" in done.stdout


def test_every_command_can_be_loaded_and_has_two_examples() -> None:
    with group.make_context("sweepctl", ["help"], resilient_parsing=True) as context:
        for name in COMMANDS:
            command = group.get_command(context, name)
            assert command is not None
            assert len(getattr(command, "examples", ())) >= 2, name
