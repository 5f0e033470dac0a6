"""Interceptors of every call: authentication on its way in, errors to statuses on its way out."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from inspect import isasyncgenfunction
from typing import TypeAlias, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from sweepd_kernel.auth.authenticator import Authenticator, Credentials, check_names, check_scope
from sweepd_kernel.auth.open_calls import DrainedWrites, OpenCalls
from sweepd_kernel.auth.principal import current_principal, set_current_principal
from sweepd_kernel.auth.scopes import rule_of
from sweepd_kernel.errors import DomainError, Reason, Status
from sweepd_kernel.rpc import limits, status_details
from sweepd_kernel.rpc.connections import Connections

Request = TypeVar("Request")
Response = TypeVar("Response")
Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"
Handler: TypeAlias = "grpc.RpcMethodHandler[object, object]"
UnaryBehaviour: TypeAlias = Callable[[object, Context], Awaitable[object]]
StreamBehaviour: TypeAlias = Callable[[object, Context], AsyncIterator[object]]
Continuation: TypeAlias = (
    "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Request, Response] | None]]"
)

# Load balancers and supervisors ask for health before anyone has a token; a stream of it needs one.
HEALTH_CHECK = "/grpc.health.v1.Health/Check"


class Authentication(grpc.aio.ServerInterceptor):
    """Refuses callers without a token of this server, and calls that the token does not allow."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def intercept_service(
        self, continuation: "Continuation[Request, Response]", handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Request, Response] | None":
        """Set the principal of the call, or answer UNAUTHENTICATED whatever the method is."""
        method = handler_call_details.method
        if method == HEALTH_CHECK:
            return await continuation(handler_call_details)
        try:
            credentials = Credentials.read(dict(handler_call_details.invocation_metadata))
            caller = await self._authenticator.principal(credentials)
            handler = await continuation(handler_call_details)
            if handler is not None:  # else there is no such call here, whoever makes it
                check_scope(caller, method)
        except DomainError as error:
            return cast("grpc.RpcMethodHandler[Request, Response]", _refusal(error))
        # The handler runs in the task that runs this, so it finds the principal in its context.
        set_current_principal(caller)
        return handler


class ErrorMapping(grpc.aio.ServerInterceptor):
    """Turns errors of handlers into statuses with details; nothing else does.

    Handlers are asked only for what exists for their caller, and streams end when their token does: both are
    answered here, where requests are decoded and errors go out.
    """

    def __init__(
        self, log: logging.Logger, calls: OpenCalls | None = None, connections: Connections | None = None
    ) -> None:
        """Take the log of failures, and the registries of streams and connections.

        Args:
            log: receives what is not a DomainError.
            calls: ends streams with their token; None: nothing does.
            connections: learns which have shown a token; None: nothing watches them.
        """
        self._log = log
        self._calls = calls or OpenCalls()
        self._connections = connections or Connections(log)
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: "Continuation[Request, Response]", handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Request, Response] | None":
        """Return the method's handler with the mapping around it."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            connections = self._connections
            seen = connections.checked if method == HEALTH_CHECK else connections.authenticated
            self._wrapped[method] = _mapped(cast("Handler", handler), method, self._log, self._calls, seen)
        return cast("grpc.RpcMethodHandler[Request, Response]", self._wrapped[method])


def _refusal(error: DomainError) -> Handler:
    """Return a handler that answers every kind of call at once; a streaming one waits for no request."""

    async def refuse(_request: object, context: Context) -> None:
        await _abort(error, context)

    return grpc.stream_stream_rpc_method_handler(refuse)


def _mapped(
    handler: Handler, method: str, log: logging.Logger, calls: OpenCalls, seen: Callable[[str], None]
) -> Handler:
    decode = handler.request_deserializer
    encode = handler.response_serializer
    if handler.unary_unary is not None:
        unary = _unary(cast("UnaryBehaviour", handler.unary_unary), decode, method, log, seen)
        return grpc.unary_unary_rpc_method_handler(unary, None, encode)
    if handler.unary_stream is not None:
        streaming = _streaming(cast("UnaryBehaviour", handler.unary_stream), decode, method, log, calls, seen)
        return grpc.unary_stream_rpc_method_handler(streaming, None, encode)
    guarded = _guarded(decode, method) if decode is not None else None
    if handler.stream_unary is not None:
        unary = _unary(cast("UnaryBehaviour", handler.stream_unary), None, method, log, seen)
        return grpc.stream_unary_rpc_method_handler(unary, guarded, encode)
    streaming = _streaming(cast("UnaryBehaviour", handler.stream_stream), None, method, log, calls, seen)
    return grpc.stream_stream_rpc_method_handler(streaming, guarded, encode)


def _unary(
    behaviour: UnaryBehaviour,
    decode: Callable[[bytes], object] | None,
    method: str,
    log: logging.Logger,
    seen: Callable[[str], None],
) -> UnaryBehaviour:
    rule = rule_of(method)

    async def answer(request: object, context: Context) -> object:
        seen(context.peer())
        given: object = None
        try:
            given = _decoded(request, decode, method)
            check_names(current_principal(), rule, given)
            return await behaviour(given, context)
        except Exception as error:
            request = given = None  # see `_answer_error`
            await _answer_error(error, context, method, log)
            raise

    return answer


def _streaming(
    behaviour: UnaryBehaviour,
    decode: Callable[[bytes], object] | None,
    method: str,
    log: logging.Logger,
    calls: OpenCalls,
    seen: Callable[[str], None],
) -> UnaryBehaviour:
    generates = isasyncgenfunction(behaviour)
    rule = rule_of(method)

    async def answer(request: object, context: Context) -> None:
        caller = current_principal()
        seen(context.peer())
        given: object = None
        try:
            with calls.held(caller) as call:
                out = context if call is None else cast("Context", DrainedWrites(context, call))
                given = _decoded(request, decode, method)
                check_names(caller, rule, given)
                if not generates:
                    await behaviour(given, out)
                    return
                messages = cast("StreamBehaviour", behaviour)(given, out)
                async with aclosing(messages):  # type: ignore[type-var]  # an async generator has aclose
                    async for message in messages:
                        await out.write(message)
        except Exception as error:
            given = None  # see `_answer_error`
            await _answer_error(error, context, method, log)
            raise
        finally:
            requests, request = request, None
            if isinstance(requests, AsyncIterable):  # the gateway has one request as bytes
                await _drop_last(requests)
            del requests

    return answer


async def _drop_last(requests: AsyncIterable[object]) -> None:
    """Release the last message of a stream: gRPC's iterator holds itself, and what it gave last."""
    generator = aiter(requests)
    if isinstance(generator, AsyncGenerator):
        with suppress(RuntimeError):  # it waits for the next one, and so has none
            await generator.aclose()


def _decoded(request: object, decode: Callable[[bytes], object] | None, method: str) -> object:
    # Decoded here rather than by gRPC, which would log a stack trace for bytes that anyone may send.
    if decode is None:
        return request
    message = _guarded(decode, method)(cast("bytes", request))
    if isinstance(message, Message):
        limits.check(message)
    return message


def _guarded(decode: Callable[[bytes], object], method: str) -> Callable[[bytes], object]:
    def decoded(content: bytes) -> object:
        limits.check_bytes(content, method)
        try:
            return decode(content)
        except DecodeError:
            raise DomainError(
                "the message cannot be decoded", status=Status.INVALID_ARGUMENT, reason=Reason.INVALID_FIELD
            ) from None

    return decoded


async def _answer_error(error: Exception, context: Context, method: str, log: logging.Logger) -> None:
    """Answer an error, and release the frames that it has come through.

    gRPC keeps what aborts a call in a cycle, until the collector comes; a request in those frames, decoded,
    may take a hundred megabytes, and is no reason for it to come.
    """
    if isinstance(error, grpc.aio.AbortError) or context.cancelled():
        return
    if isinstance(error, grpc.aio.InternalError):
        raise _left() from None
    if not isinstance(error, DomainError):
        incident = secrets.token_hex(4)
        log.error("%s failed", method, exc_info=error, extra={"incident": incident})
        _forget_frames(error)
        error = DomainError(f"internal error {incident}; the server's log says more", status=Status.INTERNAL)
    _forget_frames(error)
    await _abort(error, context)


def _forget_frames(error: BaseException | None) -> None:
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


async def _abort(error: DomainError, context: Context) -> None:
    try:
        await context.abort(
            status_details.code_of(error),
            status_details.clipped(error.message),
            status_details.trailing_metadata(error),
        )
    except (grpc.aio.InternalError, grpc.aio.UsageError):  # the latter: it was being answered already
        raise _left() from None


def _left() -> asyncio.CancelledError:
    """Return the error for an answer that cannot be sent: the caller left, though gRPC has yet to notice."""
    return asyncio.CancelledError("the caller left before it was answered")
