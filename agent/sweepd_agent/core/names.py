"""How people name a sweep: by its id, by project and id, or in full."""

from dataclasses import dataclass

DEFAULT_ENTITY = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepName:
    """A sweep as it was named."""

    # Format: entity/project/id; None if only the id was given.
    full: str | None
    id: str

    def may_be(self, other: "SweepName") -> bool:
        """Tell whether another name may mean the same sweep."""
        return self.id == other.id and (self.full is None or other.full is None or self.full == other.full)

    def matches(self, name: str) -> bool:
        """Whether the sweep of full name `name` may be meant."""
        return name == self.full if self.full is not None else name.rpartition("/")[2] == self.id


def parse_sweep_name(text: str) -> SweepName:
    """Return the sweep that `text` names.

    Raises:
        ValueError: it has empty parts or too many.
    """
    parts = text.split("/")
    if not all(parts) or len(parts) > 3:
        raise ValueError(f"{text!r} names no sweep; write ID, PROJECT/ID or ENTITY/PROJECT/ID")
    if len(parts) == 2:
        parts = [DEFAULT_ENTITY, *parts]
    return SweepName(full="/".join(parts) if len(parts) == 3 else None, id=parts[-1])
