"""What is told of a run besides metrics, as JSON and as lines for people."""

from sweepd import v1
from sweepd.cli.columns import shown_words
from sweepd.cli.metric_shapes import real
from sweepd.cli.point_text import point_lines
from sweepd.cli.rows import Row, lookup
from sweepd.cli.text import cell, clean, size_text
from sweepd.codec.details import context_document, plain_map
from sweepd.spec.point import Json

_GOALS = {v1.GOAL_MINIMIZE: "minimize", v1.GOAL_MAXIMIZE: "maximize"}
_COMMIT_LETTERS = 12


def details_shape(details: v1.RunDetails) -> dict[str, Json]:
    """Return what a script and its agent have told."""
    return {
        "name": details.display_name or None,
        "tags": list(details.tags),
        "notes": details.notes or None,
        "group": details.group or None,
        "jobType": details.job_type or None,
        "config": finite(plain_map(details.config)),
        "summary": finite(plain_map(details.summary)),
        "definitions": [_definition(each) for each in details.definitions],
        "resumedFromStep": details.resumed_from_step if details.HasField("resumed_from_step") else None,
        "preempting": details.preempting,
        "context": context_document(details.context) if details.HasField("context") else None,
        "leftOut": list(details.left_out),
    }


def details_entries(run: Row) -> list[tuple[str, str]]:
    """Return names and values for a person, a dash where there is nothing to say."""
    details = run["details"]
    if not isinstance(details, dict):
        return []
    return [
        ("name", cell(details["name"])),
        ("tags", shown_words(details["tags"])),
        ("group", cell(details["group"])),
        ("job type", cell(details["jobType"])),
        ("notes", cell(details["notes"])),
        ("config", point_lines(_own(details["config"], run["params"]))),
        ("resumed from", "-" if details["resumedFromStep"] is None else f"step {details['resumedFromStep']}"),
        ("preempting", "yes" if details["preempting"] else "-"),
        *_context_entries(details["context"]),
    ]


def _context_entries(context: Json) -> list[tuple[str, str]]:
    if not isinstance(context, dict):
        return []
    python = lookup(context, "python.version")
    packages = lookup(context, "python.packages")
    machine = [cell(context["os"])]
    if context["cpuCount"]:
        machine.append(f"{cell(context['cpuCount'])} CPUs")
    if isinstance(memory := context["memoryBytes"], int) and memory:
        machine.append(size_text(memory))
    gpus = context["gpus"]
    return [
        ("directory", cell(context["directory"])),
        ("git", _git(context["git"])),
        ("python", f"{cell(python)}, {cell(packages)} packages" if python else "-"),
        ("machine", ", ".join(machine)),
        (
            "gpus",
            ", ".join(cell(lookup(gpu, "name")) for gpu in gpus) if isinstance(gpus, list) and gpus else "-",
        ),
    ]


def _own(config: Json, params: Json) -> Json:
    """Return what a configuration says beside the point, which is shown already."""
    if not isinstance(config, dict) or not isinstance(params, dict):
        return config
    return {name: value for name, value in config.items() if params.get(name) != value}


def _git(git: Json) -> str:
    if not isinstance(git, dict):
        return "-"
    words = [clean(str(git["commit"] or "no commit"))[:_COMMIT_LETTERS]]
    if git["branch"]:
        words.append(f"on {cell(git['branch'])}")
    if git["dirty"]:
        words.append("with changes (git.diff)")
    if git["remote"]:
        words.append(f"of {cell(git['remote'])}")
    return " ".join(words)


def _definition(each: v1.MetricDefinition) -> Json:
    return {
        "name": each.name,
        "summary": list(each.summary),
        "stepMetric": each.step_metric or None,
        "goal": _GOALS.get(each.goal),
        "hidden": each.hidden,
    }


def finite(value: Json) -> Json:
    """Return a value as JSON proper can hold it."""
    match value:
        case float():
            return real(value)
        case list():
            return [finite(item) for item in value]
        case dict():
            return {name: finite(item) for name, item in value.items()}
        case _:
            return value
