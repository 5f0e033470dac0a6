"""Scopes of calls: the table is compared with the contract, so that no call and no name is missing."""

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

from sweepd import v1
from sweepd.v1 import sweep_service_pb2
from sweepd_kernel.auth.scopes import RULES, Rule, Scope, rule_of

STUBS = Path(sweep_service_pb2.__file__).parent

# Texts that name nothing in a project, or are in lists that the service bounds itself.
NO_NAMES = {
    "page_token",
    "request_id",
    "resume_token",
    "key",
    "keys",
    "sweep_id",
    "run_id",
    "agent_id",
    "agent",
    "host",
    "argv",
    "id",
    "display_name",
    "account",
}
BOUNDED_BY_THE_SERVICE = {
    "ListSweepsRequest.parent",
    "ListProjectsRequest.entity",
    "CreateTokenRequest.projects",
    "CreateEntityRequest.name",
    "ReadFileRequest.name",  # of a file of the run
}
# Messages in requests whose texts are content.
CONTENT = {"spec", "source", "file", "parameters", "filter", "update_mask", "start_time", "lifetime"}


def methods() -> Iterator[MethodDescriptor]:
    for path in sorted(STUBS.glob("*_service_pb2.py")):
        for service in import_module(f"sweepd.v1.{path.stem}").DESCRIPTOR.services_by_name.values():
            yield from service.methods


METHODS = {f"/{method.containing_service.full_name}/{method.name}": method for method in methods()}


def rule(method: MethodDescriptor) -> Rule:
    return RULES[method.containing_service.name][method.name]


def test_the_table_has_every_call_of_the_contract() -> None:
    assert len(METHODS) > 40
    table = {f"/sweepd.v1.{service}/{name}" for service, rules in RULES.items() for name in rules}
    assert table == set(METHODS)


def test_a_call_outside_the_table_requires_the_largest_scope() -> None:
    assert rule_of("/sweepd.v1.SweepService/Invented") == Rule(Scope.ADMIN)
    assert rule_of("/sweepd.v2.SweepService/GetSweep").allows(Scope.READ)


@pytest.mark.parametrize("path", METHODS)
def test_every_text_of_a_request_is_classified_as_a_name_or_not(path: str) -> None:
    method = METHODS[path]
    if method.client_streaming or rule(method).internal:
        return
    texts = set(texts_of(method.input_type.fields, ""))
    known = set(rule(method).names)
    strange = {
        text
        for text in texts - known
        if text.split(".")[-1] not in NO_NAMES
        and f"{method.input_type.name}.{text}" not in BOUNDED_BY_THE_SERVICE
    }
    assert not strange, "classify these: names of entities in projects belong into sweepd_kernel.auth.scopes"
    assert not known - texts, "the contract has no such fields"


def texts_of(fields: Iterable[FieldDescriptor], before: str) -> Iterator[str]:
    for field in fields:
        if field.type == FieldDescriptor.TYPE_STRING:
            yield f"{before}{field.name}"
        elif field.message_type is not None and field.name not in CONTENT:
            if before:
                continue
            inner: Iterable[FieldDescriptor] = field.message_type.fields
            if field.message_type.name == "Sweep":  # an update has the name in it, the rest is content
                inner = [each for each in inner if each.name == "name"]
            yield from texts_of(inner, f"{field.name}.")


def test_each_scope_includes_the_smaller_ones_except_agent() -> None:
    for path, method in METHODS.items():
        given = {scope for scope in Scope if rule(method).allows(scope)}
        if rule(method).internal:
            assert not given, path
            continue
        assert Scope.ADMIN in given, path
        assert (Scope.READ not in given) or (Scope.WRITE in given), path


def test_a_refusal_describes_the_call() -> None:
    descriptions = {
        path: rule(method).what
        for path, method in METHODS.items()
        if not rule(method).internal and rule(method).scope is not None
    }
    assert all(re.fullmatch(r"[a-z]+ing( an?)? [a-z ]+", words) for words in descriptions.values()), (
        descriptions
    )
    assert rule_of("/sweepd.v1.SweepService/Invented").what == "this call"


def test_the_agent_scope_allows_only_what_agents_need() -> None:
    allowed = {
        path.rpartition("/")[2] for path, method in METHODS.items() if rule(method).allows(Scope.AGENT)
    }
    assert allowed == {"Attach", "GetSweep", "ListSweeps", "GetServerInfo", "WhoAmI"}
    assert rule_of("/sweepd.v1.AgentService/Attach").needed == "agent"


def test_the_read_scope_allows_only_reads() -> None:
    reading = {path.rpartition("/")[2] for path, method in METHODS.items() if rule(method).allows(Scope.READ)}
    reads = ("Get", "List", "Watch", "Validate", "Preview", "Explain", "Export", "Read", "WhoAmI")
    assert all(name.startswith(reads) for name in reading), reading


def test_requests_of_client_streams_are_not_checked_by_name() -> None:
    assert "run" not in v1.AttachRequest.DESCRIPTOR.fields_by_name
