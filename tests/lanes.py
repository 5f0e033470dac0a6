"""Builders and readers of the pieces and cursors of lanes."""

from sweepd import v1

LANES = [v1.LANE_POINTS, v1.LANE_SAMPLES, v1.LANE_LOG, v1.LANE_FILES]
"""Lanes that the metric store stores, in the order in which agents send them."""


def cursor(message: v1.Ack | v1.AttemptVerdict | v1.HeldAttempt, lane: v1.Lane.ValueType) -> int | None:
    """Return the cursor of a lane; None if the message has none."""
    return next((each.cursor for each in message.cursors if each.lane == lane), None)


def points_piece(ref: v1.AttemptRef, first_row: int, batch: v1.PointBatch) -> v1.LanePiece:
    """Return a piece with the rows of a batch, one per step, numbered from `first_row`."""
    return v1.LanePiece(
        attempt=ref,
        lane=v1.LANE_POINTS,
        start=first_row - 1,
        end=first_row - 1 + len(batch.steps),
        body=batch.SerializeToString(),
    )


def log_piece(ref: v1.AttemptRef, offset: int, content: bytes) -> v1.LanePiece:
    """Return a piece with bytes of a log."""
    return v1.LanePiece(attempt=ref, lane=v1.LANE_LOG, start=offset, end=offset + len(content), body=content)


def batch_of(piece: v1.LanePiece | v1.AppendRequest) -> v1.PointBatch:
    """Return the points of a piece."""
    return v1.PointBatch.FromString(piece.body)
