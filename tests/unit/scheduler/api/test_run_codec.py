"""Fields that are copied from entities to messages unchanged."""

from dataclasses import dataclass

from sweepd import v1
from sweepd_scheduler.api.run_codec import message_fields


@dataclass
class Entity:
    """An entity like a run: its sweep is a key, and its state a string."""

    number: int
    sweep: int
    state: str
    reason: str
    value: float | None
    tags: tuple[str, ...]
    secret: bytes


def test_only_fields_of_the_same_name_and_type_are_copied() -> None:
    entity = Entity(7, 1, "running", "why", None, ("a", "b"), b"hidden")
    assert message_fields(v1.Run, Entity)(entity) == {
        "number": 7,
        "reason": "why",
        "value": None,
        "tags": ("a", "b"),
    }
