"""A separate installation for each test of a framework."""

from system.conftest import common, installation

__all__ = ["common", "installation"]
