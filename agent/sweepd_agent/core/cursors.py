"""Cursors of the lanes of an attempt, and levels of what only its newest state counts of."""

from dataclasses import dataclass, replace

PATIENCE = 1.0
"""Seconds in which an answer that does not move the cursor is not taken as a request to send again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One message under way."""

    last: int
    size: int
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """One cursor; rows count from 1, bytes of a log from 0, and all up to it are done.

    Always `acked <= sent`, and what was sent but not acknowledged is sent again on the next stream.
    """

    acked: int = 0
    sent: int = 0
    under_way: tuple[Shipment, ...] = ()
    rewound: float = float("-inf")

    @property
    def size(self) -> int:
        """Bytes under way."""
        return sum(shipment.size for shipment in self.under_way)

    def may_send(self, window: int | None) -> bool:
        """True if another message fits into a window of bytes; a first one always does."""
        return window is None or not self.under_way or self.size < window

    def sending(self, last: int, size: int, now: float) -> "Cursor":
        """Return the cursor after a message that reaches up to `last`."""
        shipment = Shipment(last=last, size=size, time=now)
        return replace(self, sent=max(self.sent, last), under_way=(*self.under_way, shipment))

    def acknowledged(self, value: int, now: float) -> "Cursor":
        """Return the cursor after an acknowledgement of everything up to `value`.

        Below an earlier acknowledgement, or equal while messages are under way: the other side lacks what
        lies between, so sending begins again from there.
        """
        if value < self.acked:
            return Cursor(acked=value, sent=value, rewound=now)
        if value == self.acked:
            oldest = self.under_way[0].time if self.under_way else now
            if now - max(oldest, self.rewound) < PATIENCE:
                return self
            return Cursor(acked=value, sent=value, rewound=now)
        under_way = tuple(shipment for shipment in self.under_way if shipment.last > value)
        return replace(self, acked=value, sent=max(self.sent, value), under_way=under_way)

    def on_new_stream(self, value: int | None) -> "Cursor":
        """Return the cursor at the beginning of a stream; `value` is what the other side has, if it knows."""
        acked = self.acked if value is None else value
        return Cursor(acked=acked, sent=acked)

    def round_trip(self, value: int, now: float) -> float | None:
        """Return the seconds that the latest message covered by `value` has taken; None if none is."""
        times = [shipment.time for shipment in self.under_way if shipment.last <= value]
        return now - times[-1] if times else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Numbers of the states of something; each is sent at most once a stream.

    Another process of this agent may have sent states of the same thing under numbers that this one does not
    know: the number that the other side has shows where to continue.
    """

    sequence: int = 0
    acked: int = 0
    sent: int = 0
    # Whether the numbers are those that the other side knows.
    agreed: bool = False

    @property
    def to_send(self) -> bool:
        """True if a state was not sent on this stream, and no earlier one is under way."""
        return self.sent < self.sequence and self.sent <= self.acked

    @property
    def done(self) -> bool:
        """True if the other side has the newest state."""
        return self.acked >= self.sequence

    def changed(self) -> "Level":
        """Return the level with a newer state."""
        return replace(self, sequence=self.sequence + 1)

    def forgotten_elsewhere(self) -> "Level":
        """Return the level towards another side, which knows nothing of it, or numbers of its own."""
        return Level(sequence=self.sequence)

    def sending(self) -> "Level":
        """Return the level after its newest state went out."""
        return replace(self, sent=self.sequence)

    def acknowledged(self, value: int) -> "Level":
        """Return the level after an acknowledgement of everything up to `value`."""
        return replace(self, acked=max(self.acked, min(value, self.sequence)))

    def on_new_stream(self, stored: int | None) -> "Level":
        """Return the level at the beginning of a stream; `stored` is what the other side has, if it knows."""
        if not self.agreed:
            base = stored or 0
            sequence = self.sequence + base
            return Level(sequence=sequence, acked=base, sent=base, agreed=True)
        acked = self.acked if stored is None else max(self.acked, min(stored, self.sequence))
        return replace(self, acked=acked, sent=acked)
