"""Which sweep is meant by an id and the arguments beside it."""

from collections.abc import Mapping

from sweepd.name_part import LEGAL_PART, as_part
from sweepd.script.errors import UsageError

_DEFAULT_ENTITY = "local"


def sweep_name(
    sweep_id: object, *, entity: str | None, project: str | None, environ: Mapping[str, str]
) -> str:
    """Return the name by which an agent is told its sweep: an id alone, or entity/project/id.

    Args:
        sweep_id: `id`, `project/id`, `entity/project/id` or a `Sweep`; what it names comes before the rest.
        entity: of a sweep that is named by less than all.
        project: of one that is named by its id.
        environ: the environment, for the default entity.

    Raises:
        UsageError: it names no sweep.
    """
    name = sweep_id if isinstance(sweep_id, str) else getattr(sweep_id, "name", None)
    parts = name.split("/") if isinstance(name, str) else []
    if not parts or len(parts) > 3 or not all(parts):
        raise UsageError(f"{sweep_id!r} names no sweep; write ID, PROJECT/ID or ENTITY/PROJECT/ID")
    *before, own = parts
    owner = before[0] if len(before) == 2 else legal_part("entity", entity)
    home = before[-1] if before else legal_part("project", project)
    if home is None:
        return own  # ids tell sweeps apart, whatever their entity
    return f"{owner or environ.get('SWEEPD_ENTITY') or _DEFAULT_ENTITY}/{home}/{own}"


def legal_part(kind: str, text: str | None) -> str | None:
    """Return a name of other products' letters as the one of ours that it becomes in sweep files, too.

    Raises:
        UsageError: nothing of it can stand in a name.
    """
    if not text:
        return None
    part = as_part(text)
    if not part:
        raise UsageError(f"nothing of the {kind} {text!r} can stand in a name; write {LEGAL_PART}")
    return part
