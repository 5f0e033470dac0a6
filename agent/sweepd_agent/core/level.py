"""What is told as a level: only the newest state of it counts, and is sent until it is acknowledged."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Numbers the states of something; each number is told at most once a stream.

    Another process of this agent may have told states of the same thing under numbers that this one does not
    know of: what the other side has says where to go on.
    """

    sequence: int = 0
    acked: int = 0
    sent: int = 0
    # Whether the numbers are those that the other side knows.
    agreed: bool = False

    @property
    def to_send(self) -> bool:
        """Whether there is a state that was not told on this stream, and none of an earlier one under way."""
        return self.sent < self.sequence and self.sent <= self.acked

    @property
    def done(self) -> bool:
        """Whether the newest state is known elsewhere."""
        return self.acked >= self.sequence

    def changed(self) -> "Level":
        """Return the level with a newer state."""
        return replace(self, sequence=self.sequence + 1)

    def unknown_elsewhere(self) -> "Level":
        """Return the level towards another side, which knows nothing of it, or numbers of its own."""
        return Level(sequence=self.sequence)

    def sending(self) -> "Level":
        """Return the level after its newest state went out."""
        return replace(self, sent=self.sequence)

    def acknowledged(self, value: int) -> "Level":
        """Return the level after everything up to `value` is said to be safe."""
        return replace(self, acked=max(self.acked, min(value, self.sequence)))

    def on_new_stream(self, stored: int | None) -> "Level":
        """Return the level at the beginning of a stream; `stored` is what the other side has, if it knows."""
        if not self.agreed:
            base = stored or 0
            sequence = self.sequence + base
            return Level(sequence=sequence, acked=base, sent=base, agreed=True)
        acked = self.acked if stored is None else max(self.acked, min(stored, self.sequence))
        return replace(self, acked=acked, sent=acked)
