"""Number of reports in one message, bounded by size and by count."""

from collections import deque

from sweepd import v1
from sweepd.rpc.bidi_call import BATCH_BYTES, MAX_BATCH, batched


def offers(count: int) -> deque[v1.AttachRequest]:
    return deque(v1.AttachRequest(offer=v1.Offer(wanted=number)) for number in range(count))


def in_one(waiting: deque[v1.AttachRequest]) -> list[v1.AttachRequest]:
    message = batched(waiting.popleft(), lambda: waiting.popleft() if waiting else None)
    assert not any(each.more for each in message.more)
    return [message, *message.more]


def test_waiting_reports_are_sent_in_one_message_in_order() -> None:
    assert [each.offer.wanted for each in in_one(offers(5))] == [0, 1, 2, 3, 4]


def test_a_message_has_a_bounded_number_of_reports() -> None:
    waiting = offers(MAX_BATCH + 2)
    assert len(in_one(waiting)) == MAX_BATCH
    assert [each.offer.wanted for each in waiting] == [MAX_BATCH, MAX_BATCH + 1]


def test_nothing_is_added_to_a_large_message() -> None:
    half, other_half = (
        v1.AttachRequest(piece=v1.LanePiece(body=b"x" * (BATCH_BYTES // 2))) for _ in range(2)
    )
    waiting = deque([half, *offers(1), other_half, *offers(1)])
    assert len(in_one(waiting)) == 3
    assert len(waiting) == 1
