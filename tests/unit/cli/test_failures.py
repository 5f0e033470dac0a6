"""Errors, exit codes and messages."""

from __future__ import annotations

import json

import click
import pytest

from sweepd.cli.commands.local.processes import start_remedy
from sweepd.cli.exit_code import ExitCode
from sweepd.cli.failures import problem_of
from sweepd.errors import ClientError, InvalidError, NotFoundError, error_of
from sweepd.rpc.discovery import NoServerError
from sweepd.rpc.failure import Failure, unreachable_cause


def call_error(code: str, reason: str | None = None, message: str = "so it is") -> ClientError:
    return error_of(Failure(code=code, message=message, reason=reason), "127.0.0.1:7333")


@pytest.mark.parametrize(
    ("code", "reason", "exit_code"),
    [
        ("NOT_FOUND", "no-such-name", ExitCode.NOT_FOUND),
        ("UNAUTHENTICATED", "bad-token", ExitCode.DENIED),
        ("PERMISSION_DENIED", "not-allowed", ExitCode.DENIED),
        ("INVALID_ARGUMENT", "invalid-sweep", ExitCode.INVALID),
        ("INVALID_ARGUMENT", "invalid-field", ExitCode.USAGE),
        ("FAILED_PRECONDITION", "wrong-state", ExitCode.FAILURE),
        ("ALREADY_EXISTS", "name-taken", ExitCode.FAILURE),
        ("RESOURCE_EXHAUSTED", "storage-unavailable", ExitCode.FAILURE),
        ("UNAVAILABLE", None, ExitCode.UNREACHABLE),
        ("UNAVAILABLE", "service-unavailable", ExitCode.UNREACHABLE),
        ("DEADLINE_EXCEEDED", None, ExitCode.UNREACHABLE),
        ("INTERNAL", None, ExitCode.FAILURE),
    ],
)
def test_each_status_has_its_exit_code(code: str, reason: str | None, exit_code: ExitCode) -> None:
    assert problem_of(call_error(code, reason)).exit_code == exit_code


@pytest.mark.parametrize(
    ("reason", "name", "next_step"),
    [
        ("no-such-name", "local/x/k3", "`sweepctl list` lists the sweeps"),
        ("no-such-name", "local/x", "`sweepctl list --projects` lists the projects"),
        ("no-such-name", "local/x/k3-7", "`sweepctl runs local/x/k3` lists its runs"),
        (
            "no-such-name",
            "agent-1",
            "`sweepctl agents` lists the agents, `sweepctl get ID` shows those in quarantine",
        ),
        ("wrong-state", "local/x/k3-7", "`sweepctl explain local/x/k3-7` shows why"),
        ("cap-reached", "local/x/k3", "`sweepctl edit local/x/k3 --run-cap N` raises it"),
        ("cap-reached", "", "`sweepctl edit ID --run-cap N` raises it"),
        (
            "databases-differ",
            "",
            (
                "stop the server and restore all databases of its data folder from one backup; if one "
                "of them is lost for good, `sweepd pair --data DIR` pairs the remaining ones"
            ),
        ),
        (
            "request-quota",
            "",
            "repeat the call without --request-id, or later: ids expire after 24 h",
        ),
        (None, "local/x/k3", ""),
    ],
)
def test_a_refusal_names_the_next_step(reason: str | None, name: str, next_step: str) -> None:
    metadata = {"name": name} if name else {}
    failure = Failure(code="NOT_FOUND", message="no", reason=reason, metadata=metadata)
    assert problem_of(error_of(failure, "127.0.0.1:7333")).next_step == next_step


def test_a_cause_equal_to_the_message_is_not_repeated() -> None:
    def cause(message: str) -> str:
        failure = Failure(code="INVALID_ARGUMENT", message=message, violations=(("a", "no"), ("b", "nor")))
        return problem_of(error_of(failure, "127.0.0.1:7333")).cause

    assert cause("a: no; b: nor") == ""
    assert cause("refused") == "a: no; b: nor"


def test_an_unavailable_server_is_named_with_a_remedy() -> None:
    error, cause, remedy = problem_of(call_error("UNAVAILABLE", message="connection refused")).lines()
    assert error == "error: no server answers at 127.0.0.1:7333"
    assert cause == "  cause: connection refused"
    assert "sweepd up" in remedy


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (
            "last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect: Connection refused",
            "connection refused",
        ),
        (
            "errors resolving a:1: [field:x error:address lookup failed for a:1: Domain name not found]",
            "domain name not found",
        ),
        ("no words known here: [odd: thing]", "thing"),
    ],
)
def test_the_cause_is_extracted_from_the_message_of_grpc(message: str, cause: str) -> None:
    assert unreachable_cause(message) == cause


@pytest.mark.parametrize(
    ("message", "way"),
    [
        (
            "/d is in use by process 7, a server at 127.0.0.1:9",
            "--server 127.0.0.1:9 --token-file /d/access-token",
        ),
        ("sweepd ready grpc=127.0.0.1:9 data=/d e", "--server 127.0.0.1:9 --token-file '/d e/access-token'"),
        ("cannot write /d/x.log: Read-only file system", "--data DIR"),
        ("cannot listen on 127.0.0.1:7333: in use", "--listen 127.0.0.1:0"),
    ],
)
def test_a_server_that_cannot_be_started_is_reported_with_a_remedy(message: str, way: str) -> None:
    assert way in start_remedy(message)


def test_errors_of_the_operating_system_are_shown_unchanged() -> None:
    assert problem_of(OSError(28, "No space left on device")).lines() == ["error: No space left on device"]
    missing = problem_of(FileNotFoundError(2, "No such file or directory", "point.json"))
    assert missing.lines() == ["error: point.json: No such file or directory"]


def test_no_server_at_all_is_unreachable_too() -> None:
    assert problem_of(NoServerError("none is known")).exit_code == ExitCode.UNREACHABLE


def test_local_errors_are_shown_with_their_next_step() -> None:
    wrong = InvalidError("x is a run", code="INVALID_ARGUMENT", next_step="its sweep is y")
    assert problem_of(wrong).lines() == ["error: x is a run", "  next:  its sweep is y"]
    assert problem_of(wrong).exit_code == ExitCode.USAGE
    missing = NotFoundError("no run named x", code="NOT_FOUND", reason="no-such-name", metadata={"name": "x"})
    assert problem_of(missing).exit_code == ExitCode.NOT_FOUND
    assert json.loads(problem_of(missing).document())["error"]["metadata"] == {"name": "x"}


def test_a_usage_error_points_to_the_help() -> None:
    problem = problem_of(click.UsageError("No such option '--x'."))
    assert problem.exit_code == ExitCode.USAGE
    assert problem.lines() == ["error: No such option '--x'", "  next:  `sweepctl --help`"]


def test_an_error_as_json_has_the_code_and_the_reason() -> None:
    document = json.loads(problem_of(call_error("NOT_FOUND", "no-such-name")).document())
    assert document["error"]["code"] == "NOT_FOUND"
    assert document["error"]["reason"] == "no-such-name"
    assert document["error"]["exitCode"] == 3


def test_control_characters_of_a_message_do_not_reach_the_terminal() -> None:
    assert problem_of(call_error("INTERNAL", message="\x1b[2J")).lines()[0] == "error: \\x1b[2J"


def test_an_unexpected_error_is_one_line_without_a_traceback() -> None:
    problem = problem_of(RuntimeError("boom"))
    assert problem.exit_code == ExitCode.FAILURE
    assert "boom" in problem.lines()[0]
    assert "--debug" in problem.lines()[-1]
