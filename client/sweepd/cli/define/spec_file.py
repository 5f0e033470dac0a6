"""A sweep as the file that makes another one like it."""

from typing import cast

from sweepd import v1
from sweepd.codec import spec_document
from sweepd.spec.point import Json


def sweep_document(sweep: v1.Sweep) -> dict[str, Json]:
    """Return what the file of a sweep says, as it stands now: edits, its seed and its place included."""
    entity, project, _ = sweep.name.split("/")
    document = cast("dict[str, Json]", spec_document(sweep.spec))
    return {"entity": entity, "project": project, **document}


def sweep_text(sweep: v1.Sweep) -> str:
    """Return the file as YAML."""
    from sweepd.cli.output.yaml_text import yaml_text

    return f"# {sweep.name}, revision {sweep.revision}\n{yaml_text(sweep_document(sweep))}"
