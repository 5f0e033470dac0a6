"""Cursors of an attempt's lanes: what was sent, and what the server has acknowledged.

`wire/feed.py` receives the acknowledgements. Objects of which only the newest state is sent have sequence
numbers instead.
"""

from dataclasses import dataclass, replace

PATIENCE = 1.0
"""Seconds after sending during which an acknowledgement that does not advance the cursor is ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Message in flight: its last position in the lane, its size in bytes, and when it was sent."""

    last: int
    size: int
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Positions in a lane: up to `sent`, everything was sent; up to `acked`, everything was acknowledged.

    Always `acked <= sent`. Whatever was sent but not acknowledged is sent again on the next stream.
    """

    acked: int = 0
    sent: int = 0
    in_flight: tuple[Shipment, ...] = ()
    rewound: float = float("-inf")

    @property
    def size(self) -> int:
        """Bytes in flight."""
        return sum(shipment.size for shipment in self.in_flight)

    def may_send(self, window: int | None) -> bool:
        """True if another message fits into a window of bytes; the first message always fits."""
        return window is None or not self.in_flight or self.size < window

    def sending(self, last: int, size: int, now: float) -> "Cursor":
        """Return the cursor after sending a message that ends at `last`."""
        shipment = Shipment(last=last, size=size, time=now)
        return replace(self, sent=max(self.sent, last), in_flight=(*self.in_flight, shipment))

    def acknowledged(self, value: int, now: float) -> "Cursor":
        """Return the cursor after an acknowledgement of everything up to `value`.

        If `value` is below the last acknowledgement, or still equal to it PATIENCE seconds after sending, the
        other side has lost data: resume sending from `value`.
        """
        if value < self.acked:
            return Cursor(acked=value, sent=value, rewound=now)
        if value == self.acked:
            oldest = self.in_flight[0].time if self.in_flight else now
            if now - max(oldest, self.rewound) < PATIENCE:
                return self
            return Cursor(acked=value, sent=value, rewound=now)
        in_flight = tuple(shipment for shipment in self.in_flight if shipment.last > value)
        return replace(self, acked=value, sent=max(self.sent, value), in_flight=in_flight)

    def on_new_stream(self, value: int | None) -> "Cursor":
        """Return the cursor on a new stream; `value` is the other side's position, None if unknown."""
        acked = self.acked if value is None else value
        return Cursor(acked=acked, sent=acked)

    def round_trip(self, value: int, now: float) -> float | None:
        """Return the round-trip time of the last message up to `value`; None if none is in flight."""
        times = [shipment.time for shipment in self.in_flight if shipment.last <= value]
        return now - times[-1] if times else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Sequence numbers of an object's states; the newest state is sent, at most once per stream.

    An earlier process of this agent may have sent states under numbers that this process does not know, so
    numbering continues from the number that the other side has.
    """

    sequence: int = 0
    acked: int = 0
    sent: int = 0
    # Whether numbering already continues from the other side's number.
    agreed: bool = False

    @property
    def to_send(self) -> bool:
        """True if the newest state was not sent on this stream, and no earlier state is in flight."""
        return self.sent < self.sequence and self.sent <= self.acked

    @property
    def done(self) -> bool:
        """True if the other side has the newest state."""
        return self.acked >= self.sequence

    def changed(self) -> "Level":
        """Return the level with a newer state."""
        return replace(self, sequence=self.sequence + 1)

    def for_new_receiver(self) -> "Level":
        """Return the level for a receiver that has no states of the object, or numbers them differently."""
        return Level(sequence=self.sequence)

    def sending(self) -> "Level":
        """Return the level after sending its newest state."""
        return replace(self, sent=self.sequence)

    def acknowledged(self, value: int) -> "Level":
        """Return the level after an acknowledgement of everything up to `value`."""
        return replace(self, acked=max(self.acked, min(value, self.sequence)))

    def on_new_stream(self, stored: int | None) -> "Level":
        """Return the level on a new stream; `stored` is the other side's number, None if unknown."""
        if not self.agreed:
            base = stored or 0
            sequence = self.sequence + base
            return Level(sequence=sequence, acked=base, sent=base, agreed=True)
        acked = self.acked if stored is None else max(self.acked, min(stored, self.sequence))
        return replace(self, acked=acked, sent=acked)
