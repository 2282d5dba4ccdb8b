"""One HTTP session to the API server: sends calls, names their failures, counts them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

import aiohttp

from spectra_operator.kube.documents import dumped, loaded
from spectra_operator.kube.errors import KubeError, Unreachable, error_from_status
from spectra_operator.kube.resources import Body, Resource

if TYPE_CHECKING:
    from types import SimpleNamespace

    from spectra_operator.kube.access import ClusterAccess


@dataclass(frozen=True, slots=True)
class Verb:
    """One call in the API's own words.

    Attributes:
        name: The RBAC verb: get, list, watch, create, update, patch, delete.
        method: The HTTP method that carries it.
        resource: The kind it is about.
        namespace: The namespace; None for all, or for cluster-scoped kinds.
        object_name: The object; None for a collection.
        subresource: Such as `status`; empty for the object itself.
        new_name: The object that is to be created; it is not in the address.
        accept: The form in which the answer is wanted.
    """

    name: str
    method: str
    resource: Resource
    namespace: str | None = None
    object_name: str | None = None
    subresource: str = ""
    new_name: str = ""
    accept: str = "application/json"

    @property
    def path(self) -> str:
        """The address, from the root of the server."""
        return self.resource.path(self.namespace, self.object_name, self.subresource)

    @property
    def about(self) -> str:
        """The call in words, as error messages begin."""
        kind = self.resource.plural + (f"/{self.subresource}" if self.subresource else "")
        place = "/".join(part for part in (self.namespace, self.object_name, self.new_name) if part)
        return f"{self.name} {kind} {place}".rstrip()

    @property
    def is_write(self) -> bool:
        """Whether the call can change anything."""
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What one finished call was and cost.

    Attributes:
        verb: The RBAC verb.
        resource: The plural, such as `pods`.
        subresource: Such as `status`; empty for the object itself.
        status: HTTP status; 0 when there was no answer.
        seconds: From the call to the whole answer; for a watch, to its first byte.
        bytes_sent: Length of the body sent.
    """

    verb: str
    resource: str
    subresource: str
    status: int
    seconds: float
    bytes_sent: int


class _Sent:
    """How often a request left for the wire; aiohttp itself repeats some after a cut."""

    __slots__ = ("times",)

    def __init__(self) -> None:
        self.times = 0


async def _count_sent(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    context.trace_request_ctx.times += 1


class Transport:
    """A session and its connection pool. Not for use outside `AiohttpClient`."""

    def __init__(
        self,
        access: ClusterAccess,
        *,
        connections: int,
        request_seconds: float,
        on_request: Callable[[RequestRecord], None] | None,
    ) -> None:
        """Prepare the session; see `AiohttpClient` for the arguments."""
        self._access = access
        self._connections = connections
        self._request_seconds = request_seconds
        self._on_request = on_request
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the session and all its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        verb: Verb,
        *,
        query: dict[str, str] | None = None,
        body: Body | None = None,
        content_type: str = "application/json",
    ) -> Body:
        """Send one call and return the decoded answer.

        Raises:
            KubeError: The server refused or failed, or could not be reached.
        """
        data = None if body is None else dumped(body)
        sent = _Sent()
        started = time.monotonic()
        status = 0
        try:
            async with self._open().request(
                verb.method,
                self._access.server + verb.path,
                params=query,
                data=data,
                headers=self._headers(content_type if data else "", verb.accept),
                allow_redirects=False,
                trace_request_ctx=sent,
            ) as response:
                status = response.status
                return await _answer(response, verb, sent)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(verb, error, sent) from error
        finally:
            self._record(verb, status, started, len(data or b""))

    @asynccontextmanager
    async def stream(
        self, verb: Verb, query: dict[str, str], *, silence_seconds: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open an answer that has no end of its own.

        Raises:
            KubeError: The server refused or failed, or could not be reached. Once the stream
                is open, a cut connection or a silence raises inside the caller's block, as
                aiohttp's own errors.
        """
        timeout = aiohttp.ClientTimeout(
            total=None, connect=self._request_seconds, sock_read=silence_seconds
        )
        sent = _Sent()
        started = time.monotonic()
        status = 0
        try:
            response = await self._open().request(
                verb.method,
                self._access.server + verb.path,
                params=query,
                headers=self._headers("", verb.accept),
                timeout=timeout,
                allow_redirects=False,
                trace_request_ctx=sent,
            )
            status = response.status
            if status != 200:
                async with response:
                    await _answer(response, verb, sent)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(verb, error, sent) from error
        finally:
            self._record(verb, status, started, 0)
        async with response:
            yield response

    def _open(self) -> aiohttp.ClientSession:
        if self._session is not None:
            return self._session
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_count_sent)
        self._session = aiohttp.ClientSession(
            # 0 is aiohttp's word for "the default trust", which plain HTTP never uses.
            connector=aiohttp.TCPConnector(
                limit=self._connections, ssl=self._access.ssl_context or True
            ),
            timeout=aiohttp.ClientTimeout(total=self._request_seconds),
            trace_configs=[trace],
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        return self._session

    def _headers(self, content_type: str, accept: str) -> dict[str, str]:
        headers = {
            "Accept": accept,
            # Compressing costs the API server more than the network gains inside a cluster.
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
        }
        if content_type:
            headers["Content-Type"] = content_type
        token = self._access.token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _record(self, verb: Verb, status: int, started: float, bytes_sent: int) -> None:
        if self._on_request is None:
            return
        self._on_request(
            RequestRecord(
                verb=verb.name,
                resource=verb.resource.plural,
                subresource=verb.subresource,
                status=status,
                seconds=time.monotonic() - started,
                bytes_sent=bytes_sent,
            )
        )


async def _answer(response: aiohttp.ClientResponse, verb: Verb, sent: _Sent) -> Body:
    raw = await response.read()
    decoded = _decode(raw)
    if 200 <= response.status < 300 and decoded is not None:
        return decoded
    error = error_from_status(
        decoded or {"message": raw[:200].decode("utf-8", "replace").strip()},
        http_status=response.status,
        about=verb.about,
        is_write=verb.is_write,
        retry_after=response.headers.get("Retry-After", ""),
    )
    # The first sending may have been the one that was committed, and this answer to a later; or
    # this is the answer to a success, and unreadable.
    unknown = sent.times > 1 or response.status < 300
    error.ambiguous = error.ambiguous or (verb.is_write and unknown)
    raise error


def _decode(raw: bytes) -> dict[str, Any] | None:
    try:
        decoded = loaded(raw)
    except ValueError:
        return None
    return decoded if isinstance(decoded, dict) else None


def _unreachable(verb: Verb, error: Exception, sent: _Sent) -> KubeError:
    said = str(error) or type(error).__name__
    return Unreachable(
        f"{verb.about}: no answer from the API server: {said}",
        reason="Unreachable",
        ambiguous=verb.is_write and sent.times > 0,
    )


def _version() -> str:
    try:
        return metadata.version("spectra-operator")
    except metadata.PackageNotFoundError:
        return "0"


USER_AGENT = f"spectra-operator/{_version()}"
