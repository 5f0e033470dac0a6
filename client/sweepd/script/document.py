"""Whatever a script holds as JSON: what JSON has nothing for as text, so that nothing of it can fail."""

from collections.abc import Iterable, Mapping, Sized

from sweepd.script.row import plain

# Of lists of another library, such as arrays, and of bytes.
_MOST_ITEMS = 10_000
_MOST_LEVELS = 32
# Longer numbers take their time, and from some length on Python does not write them at all.
_MOST_BITS = 1_024


def document_of(members: Mapping[str, object]) -> dict[str, object]:
    """Return members as JSON.

    Raises:
        RuntimeError: another thread changes them.
    """
    return {str(key): written(value) for key, value in members.items()}


def written(value: object, around: tuple[int, ...] = ()) -> object:
    """Return a value as JSON; what holds itself, or lies too deep, is left out.

    Args:
        value: whatever a script has.
        around: the identities of the groups and lists that hold it, the outermost first.

    Raises:
        RuntimeError: another thread changes it.
    """
    if id(value) in around:
        return f"a {type(value).__name__} that holds itself"
    if len(around) == _MOST_LEVELS:
        return f"a {type(value).__name__}, too deep"
    within = (*around, id(value))
    if isinstance(value, Mapping):
        return {str(key): written(inner, within) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [written(inner, within) for inner in value]
    if isinstance(value, bytes | bytearray | range):  # however many there are
        return _of_another_kind(value, within)
    try:
        found = plain(value)
    except TypeError:
        return _of_another_kind(value, within)
    return hex(found) if isinstance(found, int) and found.bit_length() > _MOST_BITS else found


def _of_another_kind(value: object, within: tuple[int, ...]) -> object:
    try:
        if isinstance(value, bytes | bytearray):
            return value.decode(errors="replace") if len(value) <= _MOST_ITEMS else f"{len(value)} bytes"
        if isinstance(value, Iterable) and isinstance(value, Sized) and hasattr(value, "__getitem__"):
            count = len(value)
            return [written(inner, within) for inner in value] if count <= _MOST_ITEMS else f"{count} items"
        return str(value)
    except Exception:  # noqa: BLE001 (foreign objects raise what they like)
        return f"a {type(value).__name__}"
