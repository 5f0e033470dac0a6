"""An agent loads only the modules it needs: there may be one beside every training."""

from __future__ import annotations

import subprocess
import sys

import pytest

# OpenSSL is 4 MiB; what distributions need is 2 MiB; the others belong to commands and servers.
SPARED = (
    "ssl statistics decimal hashlib yaml sqlite3 logging.handlers click rich numpy cloudpickle http.client "
    "difflib sweepd.compat.names"
)


@pytest.mark.parametrize("program", ["main", "standalone.drain"])
def test_a_program_of_the_agent_loads_only_what_it_needs(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sweepd_agent.{program}, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(done.stdout.split()) & set(SPARED.split())
