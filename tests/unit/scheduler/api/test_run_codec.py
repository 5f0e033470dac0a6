"""Fields that messages take from entities as they are."""

from dataclasses import dataclass

from sweepd import v1
from sweepd_scheduler.api.run_codec import message_fields


@dataclass
class Entity:
    """Something that is shown as a run is: its sweep is a key, and its state a word."""

    number: int
    sweep: int
    state: str
    reason: str
    value: float | None
    tags: tuple[str, ...]
    secret: bytes


def test_fields_of_the_same_name_and_type_are_taken_and_no_others() -> None:
    entity = Entity(7, 1, "running", "why", None, ("a", "b"), b"hidden")
    assert message_fields(v1.Run, Entity)(entity) == {
        "number": 7,
        "reason": "why",
        "value": None,
        "tags": ("a", "b"),
    }
