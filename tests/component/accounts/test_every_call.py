"""Every call of the contract with every kind of token, in own and other projects, direct and by gateway."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc

from component.accounts.deployment import FOREIGN, OWN, Deployment, a_deployment
from component.scheduler.scripted_agent import id_of, secret_of
from sweepd import v1
from sweepd.rpc.failure import Failure
from sweepd_kernel.auth.scopes import Scope, rule_of
from unit.kernel.auth.test_scopes import METHODS
from waiting import until_async

STREAM_PATIENCE = 0.25
# The services behind the gateway, and what the scheduler serves to those who dial it.
DIRECT = {"AccountService", "AgentService", "RunService", "SweepService"}
AT_THE_GATEWAY = DIRECT | {"MetricService", "ServerService"}
# What these name is looked for among things that the test has not made.
MAY_BE_MISSING = {"ReleaseAgent", "RevokeToken", "ReadLog", "ReadFile"}


def request_about(method: MethodDescriptor, project: str, sweep: str) -> Message:
    """Return a request in which every name is in a project."""
    request: Any = GetMessageClass(method.input_type)()
    for path in rule_of(f"/{method.containing_service.full_name}/{method.name}").names:
        *outer, last = path.split(".")
        target = request
        for each in outer:
            target = getattr(target, each)
        about_run = last in ("runs", "run", "names") or (last, method.name) in {
            ("name", "GetRun"),
            ("name", "StopRun"),
            ("name", "ExplainRun"),
        }
        value = f"{sweep}-1" if about_run else project if last in ("parent", "project") else sweep
        if (last, method.name) == ("name", "CreateProject"):
            value = project
        if isinstance(getattr(target, last), str):
            setattr(target, last, value)
        else:
            getattr(target, last).append(value)
    if method.name == "RevokeToken":
        request.id = "nobodys-one"
    if method.name == "CreateRun":
        request.agent_id, request.agent_secret = id_of("a"), secret_of("a")
    about: Message = request
    return about


async def outcome(
    channel: grpc.aio.Channel, method: MethodDescriptor, request: Message, patience: float = 10.0
) -> Failure | None:
    """Return the failure of a call; None if it succeeds or is a stream still open at the timeout."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    form = (lambda message: message.SerializeToString(), GetMessageClass(method.output_type).FromString)
    made: Any = channel
    try:
        if method.client_streaming:
            call = made.stream_stream(path, *form)(timeout=patience)
            await call.write(request)
            await call.read()
        elif method.server_streaming:
            call = made.unary_stream(path, *form)(request, timeout=patience)
            await call.read()
            call.cancel()
        else:
            await made.unary_unary(path, *form)(request, timeout=patience)
    except grpc.aio.AioRpcError as error:
        return None if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED else Failure.of(error)
    except asyncio.InvalidStateError:
        return Failure(code="UNKNOWN", message="the call ended before its request was sent")
    return None


async def known(channel: grpc.aio.Channel) -> bool:
    """Return True if the token is known. On a busy machine, the gateway may have to ask twice."""
    ended = await outcome(channel, METHODS["/sweepd.v1.AccountService/WhoAmI"], v1.WhoAmIRequest())
    assert ended is None or ended.code == "UNAVAILABLE", ended
    return ended is None


def hello(sweep: str) -> v1.AttachRequest:
    hello_report = v1.Hello(
        agent_id=id_of("a"),
        agent_secret=secret_of("a"),
        instance="i",
        pid=1,
        host="h",
        protocol_version=1,
        slots=1,
        sweeps=[sweep],
    )
    return v1.AttachRequest(hello=hello_report)


def served(way: str) -> Iterator[tuple[str, MethodDescriptor]]:
    for path, method in METHODS.items():
        name = method.containing_service.name
        if name in (DIRECT if way == "direct" else AT_THE_GATEWAY):
            yield path, method


@pytest.mark.parametrize("way", ["gateway", "direct"])
def test_each_scope_allows_its_calls_and_the_refusal_names_the_missing_one(tmp_path: Path, way: str) -> None:
    async def main(deployment: Deployment) -> None:
        for scope in Scope:
            _, secret = await deployment.token(str(scope), [OWN])
            channel = await deployment.channel(way, secret)
            await until_async(lambda channel=channel: known(channel))  # type: ignore[misc]
            for path, method in served(way):
                rule = rule_of(path)
                request = request_about(method, OWN, deployment.sweeps[OWN])
                if method.name == "Attach":
                    request = hello(deployment.sweeps[OWN])
                if method.client_streaming and not rule.allows(scope):
                    continue  # below: the refusal may come before the request can be written
                stays_open = rule.allows(scope) and (method.server_streaming or method.client_streaming)
                patience = STREAM_PATIENCE if stays_open else 10.0
                ended = await outcome(channel, method, request, patience)
                what = (str(scope), method.name, ended)
                if rule.allows(scope):
                    missing = ended is not None and ended.code == "NOT_FOUND"
                    assert not missing or method.name in MAY_BE_MISSING, what
                    denied = ended is not None and ended.code in ("UNAUTHENTICATED", "PERMISSION_DENIED")
                    assert not denied or method.name == "CreateEntity", what  # not for bound tokens
                else:
                    assert ended is not None, what
                    assert (ended.code, ended.reason) == ("PERMISSION_DENIED", "not-allowed"), what
                    assert ended.metadata.get("scope", "") == rule.needed, what
                    assert rule.internal or f"scope {rule.needed}" in ended.message, what

    asyncio.run(living(tmp_path, main))


@pytest.mark.parametrize("way", ["gateway", "direct"])
def test_an_entity_of_another_project_is_refused_like_one_that_does_not_exist(
    tmp_path: Path, way: str
) -> None:
    async def main(deployment: Deployment) -> None:
        _, secret = await deployment.token("admin", [OWN])
        channel = await deployment.channel(way, secret)
        there, absent = deployment.sweeps[FOREIGN], f"{FOREIGN}/absent00"
        asked = 0
        for path, method in served(way):
            if not rule_of(path).names and method.name != "Attach":
                continue
            asked += 1
            failures = []
            for sweep in (there, absent):
                request = request_about(method, FOREIGN, sweep)
                if method.name == "Attach":
                    request = hello(sweep)
                failures.append(await outcome(channel, method, request))
            of_there, of_absent = failures
            assert of_there is not None, method.name
            assert of_absent is not None, method.name
            assert of_there.code == of_absent.code == "NOT_FOUND", (method.name, failures)
            assert of_there.reason == of_absent.reason == "no-such-name", (method.name, failures)
            assert of_there.message.replace(there, absent) == of_absent.message, (method.name, failures)
            name = of_there.metadata["name"]
            assert of_there.message == f"{name} does not exist", (method.name, failures)
        assert asked >= 15

    asyncio.run(living(tmp_path, main))


def test_a_missing_entity_of_the_own_project_is_refused_with_the_same_message(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        _, secret = await deployment.token("read", [OWN])
        channel = await deployment.channel("gateway", secret)
        get = METHODS["/sweepd.v1.SweepService/GetSweep"]
        own = await outcome(channel, get, v1.GetSweepRequest(name=f"{OWN}/absent00"))
        other = await outcome(channel, get, v1.GetSweepRequest(name=deployment.sweeps[FOREIGN]))
        assert own is not None
        assert other is not None
        assert (own.code, own.reason) == (other.code, other.reason)
        assert own.message.replace(f"{OWN}/absent00", deployment.sweeps[FOREIGN]) == other.message

    asyncio.run(living(tmp_path, main))


def test_malformed_tokens_are_refused(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        _, secret = await deployment.token("read")
        flipped = secret[:-2] + ("A" if secret[-2] != "A" else "B") + secret[-1]
        odd = [
            "x", secret[:-1], secret + "a", secret.upper(), flipped, f"{secret} {secret}", "swp_" + "a" * 43,
            "swp_" + "%" * 43, "x" * 4_000, f"Bearer {secret}", "access ", "' or 1=1 --",
        ]  # fmt: skip
        for way in ("gateway", "direct"):
            for token in odd:
                channel = await deployment.channel(way, token)
                for path in ("/sweepd.v1.SweepService/ListSweeps", "/sweepd.v1.AccountService/WhoAmI"):
                    method = METHODS[path]
                    ended = await outcome(channel, method, GetMessageClass(method.input_type)())
                    assert ended is not None, token[:20]
                    assert ended.code == "UNAUTHENTICATED", (token[:20], ended)
                    assert "swp_" not in ended.message

    asyncio.run(living(tmp_path, main))


def test_without_a_token_health_is_readable_but_cannot_be_watched(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        for way in ("gateway", "direct"):
            stub = health_pb2_grpc.HealthStub(await deployment.channel(way, "nobody"))
            asked = health_pb2.HealthCheckRequest()
            assert (await stub.Check(asked)).status == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.Watch(asked).read()
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED

    asyncio.run(living(tmp_path, main))


ODD: dict[int, list[Any]] = {
    FieldDescriptor.TYPE_STRING: ["9" * 30, "\0"],
    FieldDescriptor.TYPE_DOUBLE: [float("nan")],
    FieldDescriptor.TYPE_UINT32: [2**32 - 1],
    FieldDescriptor.TYPE_UINT64: [2**64 - 1],
    FieldDescriptor.TYPE_INT64: [-(2**63), 2**63 - 1],
}


def malformed_requests(request: Message, sweep: str, depth: int = 2) -> Iterator[Message]:
    """Yield copies of a request about a sweep, each with one malformed field."""
    for field in request.DESCRIPTOR.fields:
        inner: Any = field.message_type
        values: list[Any] = [*ODD.get(field.type, [])]
        if field.type == FieldDescriptor.TYPE_STRING:
            values.append(f"{sweep}-{2**64}")
        if inner is not None and depth and not inner.GetOptions().map_entry:
            values = list(malformed_requests(GetMessageClass(inner)(), sweep, depth - 1))
        for value in values:
            odd: Any = type(request)()
            odd.CopyFrom(request)
            if hasattr(getattr(odd, field.name), "append"):
                getattr(odd, field.name).append(value)
            elif inner is not None:
                getattr(odd, field.name).CopyFrom(value)
            else:
                setattr(odd, field.name, value)
            yield odd


def test_no_malformed_field_causes_an_internal_error(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        channel = await deployment.channel("gateway")
        asked = 0
        for path, method in served("gateway"):
            if method.client_streaming or rule_of(path).internal:
                continue
            requests = list(
                malformed_requests(request_about(method, OWN, deployment.sweeps[OWN]), deployment.sweeps[OWN])
            )
            patience = STREAM_PATIENCE if method.server_streaming else 10.0
            ends = await asyncio.gather(*(outcome(channel, method, each, patience) for each in requests))
            asked += len(ends)
            for request, ended in zip(requests, ends, strict=True):
                assert ended is None or ended.code not in {"INTERNAL", "UNKNOWN"}, (path, request, ended)
        assert asked > 300

    asyncio.run(living(tmp_path, main))


def test_the_account_is_that_of_the_token_whatever_the_metadata_claims(tmp_path: Path) -> None:
    async def main(deployment: Deployment) -> None:
        key, secret = await deployment.token("read", [OWN])
        claim = v1.Principal(account="owner", scope=v1.TOKEN_SCOPE_ADMIN).SerializeToString()
        for way in ("gateway", "direct"):
            channel = await deployment.channel(way, secret)
            ask = channel.unary_unary(
                "/sweepd.v1.AccountService/WhoAmI",
                v1.WhoAmIRequest.SerializeToString,
                v1.WhoAmIResponse.FromString,
            )
            identity = await ask(v1.WhoAmIRequest(), metadata=(("sweepd-principal-bin", claim),))
            assert (identity.token.id, identity.token.scope) == (key, v1.TOKEN_SCOPE_READ)
            assert list(identity.token.projects) == [OWN]

    asyncio.run(living(tmp_path, main))


async def living(folder: Path, main: Any) -> None:
    async with a_deployment(folder) as deployment:
        await main(deployment)
