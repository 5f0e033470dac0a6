"""Interceptors of every call: authentication of requests, and mapping of errors to statuses."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from inspect import isasyncgenfunction
from typing import TypeAlias, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf import duration_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from sweepd_kernel.auth.authenticator import Authenticator, Credentials, check_names, check_scope
from sweepd_kernel.auth.open_calls import DrainedWrites, OpenCalls
from sweepd_kernel.auth.principal import current_principal, set_current_principal
from sweepd_kernel.auth.scopes import rule_of
from sweepd_kernel.errors import DomainError, Reason, Status, Violation
from sweepd_kernel.rpc import limits
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

# Load balancers and supervisors check health without a token; a stream of health updates needs one.
HEALTH_CHECK = "/grpc.health.v1.Health/Check"
HANDLER_MAKERS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
"""Handler factories by (requests are a stream, responses are a stream)."""
DETAILS_KEY = "grpc-status-details-bin"
DOMAIN = "sweepd"
# Peers refuse more than 8 KiB of metadata, base64 included, so a long list of violations is truncated.
MAX_VIOLATION_BYTES = 4_096
MAX_MESSAGE_BYTES = 700

_CODES = {status: grpc.StatusCode[status.name] for status in Status}


class Authentication(grpc.aio.ServerInterceptor):
    """Interceptor that refuses callers without a valid token, and calls that their token does not allow."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def intercept_service(
        self, continuation: "Continuation[Request, Response]", handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Request, Response] | None":
        """Set the principal of the call; if the call is not allowed, return a handler that refuses it.

        Without a valid token, even calls of unknown methods are refused.
        """
        method = handler_call_details.method
        if method == HEALTH_CHECK:
            return await continuation(handler_call_details)
        try:
            credentials = Credentials.read(dict(handler_call_details.invocation_metadata))
            caller = await self._authenticator.principal(credentials)
            handler = await continuation(handler_call_details)
            if handler is not None:  # None: an unknown method, which gRPC answers
                check_scope(caller, method)
        except DomainError as error:
            return cast("grpc.RpcMethodHandler[Request, Response]", _refusal(error))
        # The handler runs in the same task, so it finds the principal in its context.
        set_current_principal(caller)
        return handler


class ErrorMapping(grpc.aio.ServerInterceptor):
    """Interceptor that maps the errors of all handlers to statuses with details.

    It also decodes requests, checks their limits and names, and ends streams whose token has ended.
    """

    def __init__(
        self, log: logging.Logger, calls: OpenCalls | None = None, connections: Connections | None = None
    ) -> None:
        """Create an interceptor from the log and the registries of streams and connections.

        Args:
            log: log of errors other than DomainError.
            calls: registry of streams, which end when their token ends; None: revocations end no streams.
            connections: registry of authenticated connections; None: connections are not watched.
        """
        self._log = log
        self._calls = calls or OpenCalls()
        self._connections = connections or Connections(log)
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self, continuation: "Continuation[Request, Response]", handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Request, Response] | None":
        """Return the handler of the method, wrapped so that its errors are mapped."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            connections = self._connections
            seen = connections.checked if method == HEALTH_CHECK else connections.authenticated
            mapped = _WrappedHandler(cast("Handler", handler), method, self._log, self._calls, seen)
            self._wrapped[method] = mapped.handler
        return cast("grpc.RpcMethodHandler[Request, Response]", self._wrapped[method])


def _refusal(error: DomainError) -> Handler:
    """Return a handler that fails a call of any kind at once, without waiting for a request."""

    async def refuse(_request: object, context: Context) -> None:
        await _abort(error, context)

    return grpc.stream_stream_rpc_method_handler(refuse)


class _WrappedHandler:
    """Wrapper of one method's handler that checks limits and names and maps errors."""

    def __init__(
        self,
        handler: Handler,
        method: str,
        log: logging.Logger,
        calls: OpenCalls,
        seen: Callable[[str], None],
    ) -> None:
        self._behaviour = cast(
            "UnaryBehaviour",
            handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream,
        )
        self._generates = isasyncgenfunction(self._behaviour)
        self._decode = handler.request_deserializer
        self._takes_stream = handler.request_streaming
        self._method = method
        self._rule = rule_of(method)
        self._log = log
        self._calls = calls
        self._seen = seen
        guarded = self._decoded if self._takes_stream and self._decode is not None else None
        answer = self._stream if handler.response_streaming else self._unary
        make = HANDLER_MAKERS[handler.request_streaming, handler.response_streaming]
        self.handler = cast("Handler", make(answer, guarded, handler.response_serializer))

    async def _unary(self, request: object, context: Context) -> object:
        self._seen(context.peer())
        given: object = None
        try:
            given = self._checked_request(request)
            check_names(current_principal(), self._rule, given)
            return await self._behaviour(given, context)
        except Exception as error:
            request = given = None  # see `_answer_error`
            await _answer_error(error, context, self._method, self._log)
            raise

    async def _stream(self, request: object, context: Context) -> None:
        caller = current_principal()
        self._seen(context.peer())
        given: object = None
        try:
            with self._calls.registered(caller) as call:
                out = context if call is None else cast("Context", DrainedWrites(context, call))
                given = self._checked_request(request)
                check_names(caller, self._rule, given)
                if not self._generates:
                    await self._behaviour(given, out)
                    return
                messages = cast("StreamBehaviour", self._behaviour)(given, out)
                async with aclosing(messages):  # type: ignore[type-var]  # an async generator has aclose
                    async for message in messages:
                        await out.write(message)
        except Exception as error:
            given = None  # see `_answer_error`
            await _answer_error(error, context, self._method, self._log)
            raise
        finally:
            requests, request = request, None
            if isinstance(requests, AsyncIterable):  # through the gateway, a single request arrives as bytes
                await _release_last_message(requests)
            del requests

    def _checked_request(self, request: object) -> object:
        """Decode a single request and check its limits; return a stream of requests unchanged.

        If gRPC decoded requests, any caller could fill the log with stack traces by sending malformed bytes.
        """
        if self._takes_stream or self._decode is None:
            return request
        message = self._decoded(cast("bytes", request))
        if isinstance(message, Message):
            limits.check(message)
        return message

    def _decoded(self, content: bytes) -> object:
        assert self._decode is not None
        limits.check_bytes(content, self._method)
        try:
            return self._decode(content)
        except DecodeError:
            raise DomainError(
                "the message cannot be decoded", status=Status.INVALID_ARGUMENT, reason=Reason.INVALID_FIELD
            ) from None


async def _release_last_message(requests: AsyncIterable[object]) -> None:
    """Release the last message of a stream, which gRPC's iterator would keep in a reference cycle."""
    generator = aiter(requests)
    if isinstance(generator, AsyncGenerator):
        with suppress(RuntimeError):  # the iterator is waiting for a message, so it keeps none
            await generator.aclose()


async def _answer_error(error: Exception, context: Context, method: str, log: logging.Logger) -> None:
    """End the call with the status of an error, and release the frames of its traceback.

    gRPC keeps the exception that aborts a call in a reference cycle until the next garbage collection. Its
    frames refer to the decoded request, which may take a hundred megabytes without triggering a collection.
    """
    if isinstance(error, grpc.aio.AbortError) or context.cancelled():
        return
    if isinstance(error, grpc.aio.InternalError):
        raise _cancelled_by_caller() from None
    if not isinstance(error, DomainError):
        incident = secrets.token_hex(4)
        log.error("%s failed", method, exc_info=error, extra={"incident": incident})
        _clear_tracebacks(error)
        error = DomainError(f"internal error {incident}; see the server's log", status=Status.INTERNAL)
    _clear_tracebacks(error)
    await _abort(error, context)


def _clear_tracebacks(error: BaseException | None) -> None:
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


async def _abort(error: DomainError, context: Context) -> None:
    try:
        await context.abort(code_of(error), clipped(error.message), trailing_metadata(error))
    except (grpc.aio.InternalError, grpc.aio.UsageError):  # UsageError: a response was already being sent
        raise _cancelled_by_caller() from None


def _cancelled_by_caller() -> asyncio.CancelledError:
    """Return the error to raise if a response cannot be sent because the caller has ended the call."""
    return asyncio.CancelledError("the caller ended the call before the response")


def code_of(error: DomainError) -> grpc.StatusCode:
    """Return the gRPC code of `error`."""
    return _CODES[error.status]


def clipped(text: str) -> str:
    """Return `text` truncated to the maximum length in a status."""
    return text.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore")


def trailing_metadata(error: DomainError) -> tuple[tuple[str, bytes], ...]:
    """Return the trailing metadata with the details of `error`; empty if there are none."""
    details = _details(error)
    if not details:
        return ()
    number: int = code_of(error).value[0]
    status = status_pb2.Status(code=number, message=clipped(error.message))
    for detail in details:
        status.details.add().Pack(detail)
    return ((DETAILS_KEY, status.SerializeToString()),)


def _details(error: DomainError) -> list[Message]:
    details: list[Message] = []
    if error.reason is not None:
        # Metadata may contain a name from the request, of any length.
        short = {key: clipped(value) for key, value in error.metadata.items()}
        details.append(error_details_pb2.ErrorInfo(reason=error.reason.value, domain=DOMAIN, metadata=short))
    if error.violations:
        details.append(_bad_request(error.violations))
    if error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return details


def _bad_request(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    request = error_details_pb2.BadRequest()
    for violation in violations:
        request.field_violations.add(field=clipped(violation.field), description=clipped(violation.message))
        if request.ByteSize() > MAX_VIOLATION_BYTES:
            del request.field_violations[-1]
            break
    return request
