"""Class by which libraries recognise a disabled run; here a disabled run is a `Run`."""

__all__ = ["RunDisabled"]


class RunDisabled:
    """Class without instances."""
