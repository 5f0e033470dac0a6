"""An installation of its own for each test of a framework."""

from system.conftest import installation

__all__ = ["installation"]
