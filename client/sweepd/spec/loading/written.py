"""Values that are written outside of a sweep file, read by the rules of one."""

from sweepd.spec.loading import json_tokens
from sweepd.spec.loading.composer import Composer, LoadError
from sweepd.spec.loading.diagnostic import Findings
from sweepd.spec.loading.nodes import MappingNode, Node, plain
from sweepd.spec.loading.scalars import resolve
from sweepd.spec.point import Json

_FLOW_STARTS = ("'", '"', "[", "{")


def read_value(text: str) -> Json:
    """Return the value of one word of a command line.

    A word is a scalar just as a file has it: `1e-5` is a number, `yes` a boolean, `sgd` text. What begins as
    quoted text, a list or a mapping is read as that, so `'1'` with its quotes is text.

    Raises:
        ValueError: it begins so, but is not such a value.
    """
    if text.startswith(_FLOW_STARTS):
        return plain(_node(text))
    return resolve(text)


def read_values(text: str) -> dict[str, Json]:
    """Return the values of a mapping in YAML or JSON.

    Raises:
        ValueError: it is none.
    """
    node = _node(text)
    if not isinstance(node, MappingNode):
        raise ValueError("a mapping from names to values is wanted, as {lr: 0.1}")
    return {name: plain(entry.node) for name, entry in node.entries.items()}


def _node(text: str) -> Node:
    findings = Findings("")
    composer = Composer(findings)
    try:
        if json_tokens.is_json(text):
            json_tokens.feed(text, composer)
        else:
            # Only here: the library is heavy, and most that is written needs none.
            from sweepd.spec.loading import yaml_tokens

            yaml_tokens.feed(text, composer)
    except LoadError as error:
        raise ValueError(error.message) from None
    for finding in findings.in_order():
        raise ValueError(finding.message)
    if composer.root is None:
        raise ValueError("nothing is written there")
    return composer.root
