"""Values of flags: names of sweeps, and sizes as `512MiB` or `2GB`."""

import re
from dataclasses import dataclass

DEFAULT_ENTITY = "local"
_BYTES = {"": 1, "b": 1}
_BYTES |= {f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)}
_BYTES |= {f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepName:
    """A sweep as it was named."""

    # Format: entity/project/id; None if only the id was given.
    full: str | None
    id: str

    def may_be(self, other: "SweepName") -> bool:
        """Return whether another name may mean the same sweep."""
        return self.id == other.id and (self.full is None or other.full is None or self.full == other.full)

    def matches(self, name: str) -> bool:
        """True if the sweep of full name `name` may be meant."""
        return name == self.full if self.full is not None else name.rpartition("/")[2] == self.id


def parse_sweep_name(text: str) -> SweepName:
    """Return the sweep that `text` names.

    Raises:
        ValueError: it has empty parts or too many.
    """
    parts = text.split("/")
    if not all(parts) or len(parts) > 3:
        raise ValueError(f"{text!r} does not name a sweep; write ID, PROJECT/ID or ENTITY/PROJECT/ID")
    if len(parts) == 2:
        parts = [DEFAULT_ENTITY, *parts]
    return SweepName(full="/".join(parts) if len(parts) == 3 else None, id=parts[-1])


def parse_size(text: str) -> int:
    """Return the bytes that `text` stands for.

    Raises:
        ValueError: it is not a size.
    """
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None or match[2] not in _BYTES:
        raise ValueError(f"{text!r} is not a size; write 500MB or 2GiB")
    return int(float(match[1]) * _BYTES[match[2]])
