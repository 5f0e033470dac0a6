"""Values that a script may make and log, and that are not kept: `log` leaves them out with one warning."""


class _Unkept:
    """Takes whatever it is given."""

    def __init__(self, *arguments: object, **named: object) -> None:
        self.arguments = arguments
        vars(self).update(named)


class Classes(_Unkept):
    """Names of the classes of an image."""


class JoinedTable(_Unkept):
    """Two tables."""


def box3d(**named: object) -> dict[str, object]:
    """Return a box in space as it was described."""
    return named
