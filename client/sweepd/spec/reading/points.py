"""Reads points that a file lists: `initial` and `runs`. Whether they lie in the space is judged elsewhere."""

from sweepd.spec.limits import MAX_POINT_BYTES
from sweepd.spec.point import Point, canonical_json
from sweepd.spec.reading.fields import Fields
from sweepd.spec.reading.json_value import is_finite, read_json
from sweepd.spec.reading.nodes import MappingNode, Node, ScalarNode


def read_points(fields: Fields, key: str) -> dict[int, Point]:
    """Return the points of a key by their index; what is unusable is left out, after recording why."""
    wanted = "a list of mappings from parameters to values"
    points: dict[int, Point] = {}
    items = fields.items(key, wanted)
    if fields.is_empty_list(key):
        fields.error("no-points", "must have at least one entry", key=key)
    for index, item in enumerate(items):
        point = _point(fields, key, index, item)
        if point is not None:
            points[index] = point
    return points


def read_zips(fields: Fields) -> dict[int, tuple[str, ...]]:
    """Return the groups of parameters whose values move together, by their index."""
    zips: dict[int, tuple[str, ...]] = {}
    for index, item in enumerate(fields.items("zip", "a list of lists of parameters, as [[a, b]]")):
        names = _names(item)
        if names is None:
            message = "must be a list of the names of at least two parameters"
            fields.item_error("zip", index, "bad-type", message)
        else:
            zips[index] = names
    return zips


def _point(fields: Fields, key: str, index: int, item: Node) -> Point | None:
    if not isinstance(item, MappingNode):
        fields.item_error(key, index, "bad-type", "must be a mapping from parameters to values")
        return None
    path = f"{key}[{index}]"
    point = {
        name: read_json(fields.findings, entry.node, f"{path}.{name}") for name, entry in item.entries.items()
    }
    if not is_finite(point):
        return None
    size = len(canonical_json(point))
    if size > MAX_POINT_BYTES:
        message = f"{size:,} bytes of JSON; at most {MAX_POINT_BYTES:,} are passed on"
        fields.item_error(key, index, "point-too-large", message)
        return None
    return point


def _names(item: Node) -> tuple[str, ...] | None:
    if isinstance(item, ScalarNode | MappingNode) or len(item.items) < 2:
        return None
    names = [name.value for name in item.items if isinstance(name, ScalarNode)]
    texts = tuple(name for name in names if isinstance(name, str) and name)
    return texts if len(texts) == len(item.items) else None
