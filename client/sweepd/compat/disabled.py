"""The class by which libraries recognise a run that is switched off; here such a run is a `Run`, too."""

__all__ = ["RunDisabled"]


class RunDisabled:
    """No run is one of these."""
