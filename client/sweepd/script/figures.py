"""What the values of one metric come to, as its script has asked for it; for stored runs, too."""

from dataclasses import dataclass

from sweepd.script.definitions import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is known of the values of one metric; low, high and mean are of the finite numbers alone."""

    first: object
    last: object
    low: float | None
    high: float | None
    mean: float | None

    def shown(self, said: Definition | None) -> object:
        """Return what is asked for: the last value if nothing was said; None if it is to be left out."""
        if said is None or not said.summary or said.summary == ("copy",):
            return self.last
        if "none" in said.summary:
            return None
        return {word: figure for word in said.summary if (figure := self._of(word, said.goal)) is not None}

    def _of(self, word: str, goal: str | None) -> object:
        match word:
            case "first":
                return self.first
            case "last":
                return self.last
            case "mean":
                return self.mean
            case "min":
                return self.low
            case "max":
                return self.high
            case "best":
                return self.high if goal == "maximize" else self.low
            case _:
                return None
