"""Build hook that generates stubs of the contract, SQL of tables and the blocking client."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
OUTPUT = ROOT / "client" / "sweepd" / "v1"
DIGEST = OUTPUT / "contract_pb2.sha256"


def contract_digest() -> str:
    """Return the SHA-256 of all proto files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(PROTOS.rglob("*.proto")):
        digest.update(path.relative_to(PROTOS).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def generate() -> None:
    """Write `*_pb2.py`, `*_pb2_grpc.py` and their type stubs below `client/sweepd/v1`."""
    from grpc_tools import protoc

    include = Path(protoc.__file__).parent / "_proto"
    files = [path.relative_to(PROTOS).as_posix() for path in sorted(PROTOS.rglob("*.proto"))]
    services = [file for file in files if file.endswith("_service.proto")]
    with tempfile.TemporaryDirectory() as out:
        for outputs, sources in (
            ([f"--python_out={out}", f"--mypy_out=quiet:{out}"], files),
            ([f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}"], services),
        ):
            status = protoc.main(["protoc", f"-I{PROTOS}", f"-I{include}", *outputs, *sources])
            if status != 0:
                raise SystemExit(f"protoc failed with status {status}")
        for stale in OUTPUT.glob("*_pb2*"):
            stale.unlink()
        OUTPUT.mkdir(parents=True, exist_ok=True)
        for path in (Path(out) / "sweepd" / "v1").iterdir():
            shutil.copy(path, OUTPUT / path.name)
    DIGEST.write_text(contract_digest() + "\n")


def generate_code() -> None:
    """Write `tables_sql.py` beside each `tables.py` of the services, and the blocking client.

    Requires the stubs, because the models of the tables import their package.
    """
    sys.path[:0] = [str(ROOT / "client"), str(ROOT / "services")]
    from sweepd.objects import generate as clients
    from sweepd_kernel.sql import generate as sql

    clients.generate()
    sql.generate()


class ContractBuildHook(BuildHookInterface[BuilderConfig]):
    """Hook that generates code before hatchling collects the files of a wheel or an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Generate the code; the stubs only if they do not match the proto files."""
        if not DIGEST.exists() or DIGEST.read_text().strip() != contract_digest():
            generate()
        generate_code()
