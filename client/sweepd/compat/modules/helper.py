"""Functions that build configurations."""

from collections.abc import Iterable, Mapping


def parse_config(
    params: Mapping[str, object] | object,
    exclude: Iterable[str] | None = None,
    include: Iterable[str] | None = None,
) -> dict[str, object]:
    """Return the values of a mapping or a namespace, filtered by `exclude` or `include`."""
    values = dict(params) if isinstance(params, Mapping) else dict(vars(params))
    if exclude is not None and include is not None:
        raise ValueError("parse_config: pass exclude or include, not both")
    if include is not None:
        kept = set(include)
        return {name: value for name, value in values.items() if name in kept}
    left_out = set(exclude or ())
    return {name: value for name, value in values.items() if name not in left_out}
