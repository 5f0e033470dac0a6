"""Name of a sweep from an id and the arguments of `agent`."""

from collections.abc import Mapping

from sweepd.name_part import LEGAL_PART, as_part
from sweepd.script.errors import UsageError

_DEFAULT_ENTITY = "local"


def sweep_name(
    sweep_id: object, *, entity: str | None, project: str | None, environ: Mapping[str, str]
) -> str:
    """Return the name of the sweep for an agent: an id alone, or entity/project/id.

    Args:
        sweep_id: `id`, `project/id`, `entity/project/id` or a `Sweep`; its parts take precedence.
        entity: entity, if the id has none.
        project: project, if the id has none.
        environ: environment, for the default entity.

    Raises:
        UsageError: not a name of a sweep.
    """
    name = sweep_id if isinstance(sweep_id, str) else getattr(sweep_id, "name", None)
    parts = name.split("/") if isinstance(name, str) else []
    if not parts or len(parts) > 3 or not all(parts):
        raise UsageError(f"{sweep_id!r} is not a name of a sweep; write ID, PROJECT/ID or ENTITY/PROJECT/ID")
    *parents, own = parts
    owner = parents[0] if len(parents) == 2 else legal_part("entity", entity)
    home = parents[-1] if parents else legal_part("project", project)
    if home is None:
        return own  # the server finds it by its id
    return f"{owner or environ.get('SWEEPD_ENTITY') or _DEFAULT_ENTITY}/{home}/{own}"


def legal_part(kind: str, text: str | None) -> str | None:
    """Return text converted to a valid part of a name, as in sweep files.

    Raises:
        UsageError: no character is valid.
    """
    if not text:
        return None
    part = as_part(text)
    if not part:
        raise UsageError(f"the {kind} {text!r} has no character that is valid in a name; write {LEGAL_PART}")
    return part
