"""Writes a proposal as a sweep file: YAML of the kind that every reader takes the same way, with comments."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sweepd.spec.loading.scalars import resolve
from sweepd.spec.point import Json
from sweepd.spec.propose import Proposal, ProposedGroup, ProposedNode

_BOOLEANS_OF_SOME: Final = frozenset({"y", "Y", "n", "N"})
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*", re.ASCII)


def proposal_text(head: Mapping[str, Json], proposal: Proposal, *, comments: Sequence[str] = ()) -> str:
    """Return the file.

    Args:
        head: the keys beside `parameters`, as they stand in it.
        proposal: the parameters.
        comments: lines that stand above everything.
    """
    lines = [f"# {_on_one_line(comment)}" for comment in comments]
    lines += [f"{key}: {_flow(value)}" for key, value in head.items()]
    if proposal.parameters:
        lines += ["parameters:", *_nodes(proposal.parameters, "  ")]
    return "".join(f"{line}\n" for line in lines)


def _nodes(nodes: Mapping[str, ProposedNode], indent: str) -> Iterator[str]:
    for name, node in nodes.items():
        inner = f"{indent}  "
        when = [] if node.when is None else [f"{inner}when: {_text(node.when)}"]
        if isinstance(node, ProposedGroup):
            yield f"{indent}{_text(name)}:"
            yield from when
            yield f"{inner}parameters:"
            yield from _nodes(node.members, f"{inner}  ")
        else:
            yield f"{indent}{_text(name)}:  # {_on_one_line(node.comment)}"
            yield from (f"{inner}{key}: {_flow(value)}" for key, value in node.document.items())
            yield from when


def _flow(value: Json) -> str:
    """Return a value on one line; it reads back as the same in YAML 1.1, whoever reads it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return _float(value)
        case int():
            return str(value)
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(_flow, value))}]"
        case dict():
            return f"{{{', '.join(f'{_text(key)}: {_flow(item)}' for key, item in value.items())}}}"


def _text(text: str) -> str:
    """Return a text bare where that can only be text, else within double quotes."""
    if _PLAIN.fullmatch(text) and resolve(text) == text and text not in _BOOLEANS_OF_SOME:
        return text
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escape(ord(sign)) for sign in escaped)


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _float(number: float) -> str:
    """Return a float that stays one: some readers take `1e-05` for text, and want a dot."""
    text = repr(number)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _on_one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
