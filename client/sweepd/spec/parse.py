"""Entry points: from a sweep file, or a Python mapping, to a `SweepSpec` and its findings."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sweepd.spec.keys.sweep import UNSUPPORTED
from sweepd.spec.keys.unsupported import read_unsupported
from sweepd.spec.loading.fields import Fields
from sweepd.spec.loading.loader import load_mapping, load_text
from sweepd.spec.loading.nodes import NOT_SUPPORTED_YET, Diagnostic, Findings, MappingNode, TooManyErrorsError
from sweepd.spec.reading.sweep import PLACING_KEYS, read_sweep
from sweepd.spec.sweep_spec import SweepSpec


@dataclass(frozen=True, slots=True)
class Parsed:
    """Specification of a file, and the findings about it.

    `unsupported` names the keys that are right but not supported yet. `spec` is None if and only if there are
    such keys, or an error is among the diagnostics: nothing of a file is ever ignored.
    """

    spec: SweepSpec | None
    diagnostics: tuple[Diagnostic, ...]
    unsupported: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[Diagnostic, ...]:
        """The findings for which there is no `spec`; empty if there is one."""
        return tuple(
            finding
            for finding in self.diagnostics
            if finding.severity == "error" or finding.code == NOT_SUPPORTED_YET
        )


def parse_text(content: bytes, *, file: str, placing: Collection[str] = PLACING_KEYS) -> Parsed:
    """Read the bytes of a YAML or JSON file.

    Args:
        content: the file.
        file: its name in messages.
        placing: those of the keys `project` and `entity` that say where the sweep will live: the spec has
            them as legal names, after a warning if they are none. What is replaced stays as it is.
    """
    findings = Findings(file)
    return _parsed(lambda: load_text(content, findings), findings, placing)


def parse_mapping(
    document: Mapping[str, object], *, file: str = "config", placing: Collection[str] = ()
) -> Parsed:
    """Read the same from a Python mapping; its findings have no line."""
    findings = Findings(file)
    return _parsed(lambda: load_mapping(document, findings), findings, placing)


def _parsed(load: Callable[[], MappingNode | None], findings: Findings, placing: Collection[str]) -> Parsed:
    spec: SweepSpec | None = None
    unsupported: tuple[str, ...] = ()
    with suppress(TooManyErrorsError):
        root = load()
        if root is not None:
            fields = Fields(root, "", root.place, findings)
            unsupported = read_unsupported(fields, UNSUPPORTED)
            spec = read_sweep(fields, placing)
    if unsupported or findings.has_errors:
        spec = None
    return Parsed(spec, findings.in_order(), unsupported)
