"""Media that a script may create and log; `log` leaves them out with one warning."""


class _Ignored:
    """Accepts any arguments."""

    def __init__(self, *arguments: object, **named: object) -> None:
        self.arguments = arguments
        vars(self).update(named)


class Classes(_Ignored):
    """Class labels of an image."""


class JoinedTable(_Ignored):
    """Join of two tables."""


def box3d(**named: object) -> dict[str, object]:
    """Return a three-dimensional box as given."""
    return named
