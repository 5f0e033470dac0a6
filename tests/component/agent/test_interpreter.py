"""`ask`: the packages that an interpreter reports, in every form in which packages are installed."""

import os
import sys
from pathlib import Path

from sweepd_agent.context.interpreter import ask


def test_packages_are_read_from_every_form_of_metadata(tmp_path: Path) -> None:
    wheel = "Metadata-Version: 2.1\nName: Wheel-Like\nVersion: 1.0+local.2\nSummary: Name: of nothing\n"
    put(tmp_path / "wheel_like-1.0.dist-info" / "METADATA", f"{wheel}\nName: described\n\nVersion: 9\n")
    put(
        tmp_path / "folded-2.dist-info" / "METADATA",
        "Name: folded\nLicense: A: b\n        Name: c\nVersion: 2\n",
    )
    put(tmp_path / "crlf-3.dist-info" / "METADATA", "Name: crlf\r\nVersion: 3\r\n\r\nVersion: 9\r\n")
    put(tmp_path / "egg-4.egg-info" / "PKG-INFO", "Name: egg\nVersion: 4\n")
    put(tmp_path / "flat-5.egg-info", "Name: flat\nVersion: 5\n")
    (tmp_path / "empty-6.dist-info").mkdir()
    without = set(ask(sys.executable, os.environ).packages)
    packages = ask(sys.executable, {**os.environ, "PYTHONPATH": str(tmp_path)}).packages
    assert set(packages) - without == {
        ("Wheel-Like", "1.0+local.2"),
        ("folded", "2"),
        ("crlf", "3"),
        ("egg", "4"),
        ("flat", "5"),
    }
    names = [name.lower() for name, _ in packages]
    assert names == sorted(set(names)), "in order, each once"


def put(path: Path, content: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode())
