"""HTTP in, store out: addresses, verbs, pages and answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from builders.fake_api import discovery
from builders.fake_api.failure import ApiFailure
from builders.fake_api.faults import Call, Cut, Faults, LogEntry
from builders.fake_api.kinds import Kind, Kinds
from builders.fake_api.pages import Pages, is_metadata_only
from builders.fake_api.rules import Rules
from builders.fake_api.selectors import selection
from builders.fake_api.store import Store, encode
from builders.fake_api.watches import Interest, Watches

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
_SUBRESOURCES = {"status", "finalize"}
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Target:
    """What an address points at."""

    def __init__(self, kind: Kind, namespace: str | None, name: str, subresource: str) -> None:
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.subresource = subresource


class Frontend:
    """Handles every request of the fake server."""

    def __init__(
        self, store: Store, kinds: Kinds, rules: Rules, watches: Watches, faults: Faults
    ) -> None:
        """Tie the parts together."""
        self._store = store
        self._kinds = kinds
        self._rules = rules
        self._watches = watches
        self._faults = faults
        self._pages = Pages(store)
        self._working: set[asyncio.Future[web.StreamResponse]] = set()
        self.log: list[LogEntry] = []
        self.on_logged: Callable[[], None] = lambda: None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, with whatever fault is due."""
        raw = await request.read()
        segments = [part for part in request.path.split("/") if part]
        call = Call(verb="get", plural="", bytes_in=len(raw), user_agent=_agent(request))
        try:
            target = self._target(segments)
            if target is None:
                answer = discovery.document(self._kinds, segments)
                return self._answer(call, 200, encode(answer))
            call = _call(request, target, raw)
        except ApiFailure as failure:
            return self._refusal(call, failure)
        if call.verb == "watch":
            return await self._respond(request, target, call)
        # A server goes on with a request whose client has left; so a late write is still made.
        work = asyncio.ensure_future(self._respond(request, target, call))
        self._working.add(work)
        work.add_done_callback(self._working.discard)
        return await asyncio.shield(work)

    async def _respond(
        self, request: web.Request, target: Target, call: Call
    ) -> web.StreamResponse:
        try:
            return await self._with_fault(request, target, call)
        except ApiFailure as failure:
            return self._refusal(call, failure)
        except Cut:
            return self._cut(request, call)

    async def _with_fault(
        self, request: web.Request, target: Target, call: Call
    ) -> web.StreamResponse:
        fault = self._faults.take(call)
        await fault.before()
        if call.verb == "watch":
            self._log(call, 200)
            return await self._watches.serve(request, self._interest(request, target))
        status, document = self._perform(request, target, call)
        answer = encode(document)
        await fault.after()
        return self._answer(call, status, answer)

    def _perform(self, request: web.Request, target: Target, call: Call) -> tuple[int, Any]:
        kind, key = target.kind, (target.namespace, target.name)
        match call.verb:
            case "get":
                return 200, self._rules.read(kind, key)
            case "list":
                query = dict(request.query)
                short = is_metadata_only(request.headers.get("Accept", ""))
                return 200, self._pages.page(kind, target.namespace, query, short=short)
            case "create":
                dry = "dryRun" in request.query
                create = self._rules.try_create if dry else self._rules.create
                return 201, create(kind, target.namespace, _object(call))
            case "update":
                return 200, self._rules.replace(kind, key, _object(call), target.subresource)
            case "patch":
                return self._patched(request.content_type, target, _object(call))
            case "delete" if target.name:
                return 200, self._rules.delete(kind, key, call.body or {})
        raise ApiFailure(405, "MethodNotAllowed", f"the fake does not serve {call.verb} here")

    def _patched(self, form: str, target: Target, patch: dict[str, Any]) -> tuple[int, Any]:
        key = (target.namespace, target.name)
        if form == APPLY_PATCH:
            return self._rules.apply(target.kind, key, patch)
        if form != MERGE_PATCH:
            raise ApiFailure(415, "UnsupportedMediaType", f"only {MERGE_PATCH}, not this patch")
        return 200, self._rules.patch(target.kind, key, patch, target.subresource)

    def _interest(self, request: web.Request, target: Target) -> Interest:
        query = request.query
        fields = query.get("fieldSelector", "")
        if target.name:
            fields = f"metadata.name={target.name}"
        return Interest(
            resource=target.kind.resource,
            namespace=target.namespace,
            selects=selection(query.get("labelSelector", ""), fields),
            since=int(query.get("resourceVersion") or 0),
            bookmarks=query.get("allowWatchBookmarks") in {"true", "1"},
            seconds=float(query.get("timeoutSeconds") or 3600),
        )

    def _target(self, segments: list[str]) -> Target | None:
        """Return what the address points at; None for discovery."""
        match segments:
            case ["api", version, *rest] if rest:
                group = ""
            case ["apis", group, version, *rest] if rest:
                pass
            case _:
                return None
        namespace = None
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _SUBRESOURCES:
            namespace, rest = rest[1], rest[2:]
        plural, name, subresource, *more = [*rest, "", ""]
        if any(more):
            raise ApiFailure(404, "NotFound", "the server could not find the requested resource")
        kind = self._kinds.find(group, version, plural)
        if subresource and not (subresource == "status" and kind.has_status):
            raise ApiFailure(404, "NotFound", f"{plural} have no {subresource}")
        if bool(namespace) != kind.resource.namespaced and (namespace or name):
            raise ApiFailure(404, "NotFound", f"{plural}: wrong scope in the address")
        return Target(kind, namespace, name, subresource)

    def _refusal(self, call: Call, failure: ApiFailure) -> web.Response:
        headers = {}
        if failure.retry_after is not None:
            headers["Retry-After"] = str(failure.retry_after)
        response = self._answer(call, failure.code, encode(failure.status_object()))
        response.headers.update(headers)
        return response

    def _cut(self, request: web.Request, call: Call) -> web.Response:
        self._log(call, 0)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _answer(self, call: Call, status: int, body: bytes) -> web.Response:
        self._log(call, status)
        return web.Response(status=status, body=body, content_type="application/json")

    def _log(self, call: Call, status: int) -> None:
        self.log.append(LogEntry(call, status))
        self.on_logged()


def _call(request: web.Request, target: Target, raw: bytes) -> Call:
    body = _decode(raw)
    name = target.name
    if not name and body is not None:
        name = (body.get("metadata") or {}).get("name", "")
    return Call(
        verb=_verb(request, target),
        plural=target.kind.resource.plural,
        namespace=target.namespace,
        name=name,
        subresource=target.subresource,
        bytes_in=len(raw),
        user_agent=_agent(request),
        authorization=request.headers.get("Authorization", ""),
        body=body,
    )


def _verb(request: web.Request, target: Target) -> str:
    if request.method in _VERBS:
        return _VERBS[request.method]
    if request.query.get("watch") in {"1", "true"}:
        return "watch"
    return "get" if target.name else "list"


def _decode(raw: bytes) -> dict[str, Any] | None:
    if not raw:
        return None
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise ApiFailure(400, "BadRequest", f"the body is not JSON: {error}") from error
    return body if isinstance(body, dict) else None


def _object(call: Call) -> dict[str, Any]:
    if call.body is None:
        raise ApiFailure(400, "BadRequest", "the body is not an object")
    return call.body


def _agent(request: web.Request) -> str:
    return request.headers.get("User-Agent", "")
