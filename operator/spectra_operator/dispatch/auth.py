"""Who calls: a projected token, reviewed by the API server, becomes the pod that it was made for.

Answers are remembered by the token's hash, in bounds of number and time. A pod that is gone keeps
its way in for at most a minute; whether it is a worker of ours is the desk's to say.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import math
import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ..kube.clock import Clock
from ..kube.errors import KubeError
from ..kube.resources import TOKEN_REVIEWS, Body, Resource
from .refusal import Refusal

logger = logging.getLogger(__name__)

AUDIENCE = "spectra"
POD_NAME = "authentication.kubernetes.io/pod-name"
POD_UID = "authentication.kubernetes.io/pod-uid"

_ACCOUNT = re.compile(r"system:serviceaccount:([^:]+):[^:]+")
_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.IGNORECASE)

Held = TypeVar("Held")


@dataclass(frozen=True, slots=True)
class Identity:
    """The pod that a token was made for."""

    namespace: str
    pod: str
    uid: str


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a token does not get in; the arguments of a `Refusal`."""

    status: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class AuthLimits:
    """Bounds of what is remembered and asked at once.

    Attributes:
        accepted: Tokens that are remembered as good.
        accepted_seconds: How long, at most; never longer than the token itself is good.
        refused: Tokens that are remembered as bad.
        refused_seconds: How long, so that a bad client costs nothing and a healed one not much.
        reviews: Reviews at once.
        waiting: Tokens whose review is wanted or under way.
    """

    accepted: int = 4096
    accepted_seconds: float = 60.0
    refused: int = 1024
    refused_seconds: float = 5.0
    reviews: int = 16
    waiting: int = 2048


class Reviewer(Protocol):
    """The part of the API server's client that reviews need."""

    async def create(self, resource: Resource, namespace: str | None, body: Body) -> Body:
        """Create an object and return it with the server's answer in it."""
        ...


class TokenAuthenticator:
    """Turns the header `Authorization` into an `Identity`."""

    def __init__(self, client: Reviewer, clock: Clock, limits: AuthLimits | None = None) -> None:
        limits = limits or AuthLimits()
        self._client = client
        self._clock = clock
        self._limits = limits
        self._accepted = _Memory[Identity](limits.accepted)
        self._refused = _Memory[Denial](limits.refused)
        self._reviews: dict[bytes, asyncio.Task[Identity | Denial]] = {}
        self._gate = asyncio.Semaphore(limits.reviews)
        self._is_failing = False

    async def identify(self, authorization: str) -> Identity:
        """Return who the header is of.

        Raises:
            Refusal: 401 the token is not good, 403 it is not of a pod, 503 nobody can tell now.
        """
        found = _BEARER.fullmatch(authorization.strip())
        if found is None:
            text = "send the header Authorization: Bearer TOKEN, with the pod's projected token"
            raise Refusal(401, "Unauthorized", text)
        token = found[1]
        key = hashlib.sha256(token.encode()).digest()
        now = self._clock.monotonic()
        verdict = self._accepted.get(key, now) or self._refused.get(key, now)
        if verdict is None:
            # Shielded: others wait for the same review, and its answer is worth keeping.
            verdict = await asyncio.shield(self._review_of(key, token))
        if isinstance(verdict, Denial):
            raise Refusal(verdict.status, verdict.reason, verdict.message)
        return verdict

    async def close(self) -> None:
        """End the reviews that are under way."""
        reviews = list(self._reviews.values())
        for review in reviews:
            review.cancel()
        await asyncio.gather(*reviews, return_exceptions=True)

    def _review_of(self, key: bytes, token: str) -> asyncio.Task[Identity | Denial]:
        if key in self._reviews:
            return self._reviews[key]
        if len(self._reviews) >= self._limits.waiting:
            raise Refusal(503, "TooManyTokens", "too many tokens wait for their review; try again")
        review = asyncio.get_running_loop().create_task(self._review(key, token))
        self._reviews[key] = review
        review.add_done_callback(lambda _: self._reviews.pop(key))
        return review

    async def _review(self, key: bytes, token: str) -> Identity | Denial:
        """Ask the API server; never raises, for perhaps nobody listens any more."""
        try:
            async with self._gate:
                answer = await self._client.create(TOKEN_REVIEWS, None, _question(token))
            verdict = _verdict(answer)
        except KubeError as error:
            return self._unavailable(f"{error.status} {error.reason}".strip())
        except _StrangeAnswerError:
            return self._unavailable("an answer that is no TokenReview")
        except Exception as error:  # a bug must not be told as a token that is bad
            logger.error("the review of a token failed: %s", type(error).__name__)
            return self._unavailable("a fault of the operator")
        self._is_failing = False
        self._keep(key, token, verdict)
        return verdict

    def _keep(self, key: bytes, token: str, verdict: Identity | Denial) -> None:
        now = self._clock.monotonic()
        if isinstance(verdict, Denial):
            self._refused.put(key, verdict, now + self._limits.refused_seconds)
            return
        left = _expiry(token) - self._clock.now().timestamp()
        self._accepted.put(key, verdict, now + min(left, self._limits.accepted_seconds))

    def _unavailable(self, why: str) -> Denial:
        if not self._is_failing:
            logger.warning("tokens of workers cannot be reviewed: %s", why)
        self._is_failing = True
        return Denial(503, "ReviewUnavailable", "the API server cannot review tokens; try again")


class _Memory(Generic[Held]):
    """Remembers so many entries, each until its time; the one used longest ago goes first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[bytes, tuple[float, Held]] = OrderedDict()

    def get(self, key: bytes, now: float) -> Held | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= now:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry[1]

    def put(self, key: bytes, held: Held, until: float) -> None:
        self._entries[key] = (until, held)
        self._entries.move_to_end(key)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)


class _StrangeAnswerError(Exception):
    """The answer is not the review of a token."""


def _question(token: str) -> Body:
    return {
        "apiVersion": TOKEN_REVIEWS.api_version,
        "kind": TOKEN_REVIEWS.kind,
        "spec": {"token": token, "audiences": [AUDIENCE]},
    }


def _verdict(answer: Body) -> Identity | Denial:
    status = answer.get("status")
    if not isinstance(status, dict):
        raise _StrangeAnswerError
    # A server that knows nothing of audiences says none; then the token may be for anybody.
    if status.get("authenticated") is not True or AUDIENCE not in (status.get("audiences") or ()):
        text = f"the token is not good, or not for the audience {AUDIENCE}; read its file again"
        return Denial(401, "Unauthorized", text)
    user = status.get("user")
    user = user if isinstance(user, dict) else {}
    account = _ACCOUNT.fullmatch(str(user.get("username")))
    pod, uid = _extra(user, POD_NAME), _extra(user, POD_UID)
    if account is None or not pod or not uid:
        text = "the token is not of a pod; workers use the projected token of their own pod"
        return Denial(403, "NotAPod", text)
    return Identity(account[1], pod, uid)


def _extra(user: dict[str, Any], name: str) -> str:
    extra = user.get("extra")
    values = extra.get(name) if isinstance(extra, dict) else None
    if isinstance(values, list) and len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return ""


def _expiry(token: str) -> float:
    """Return when a token ends, in seconds since 1970, as it says itself.

    Nothing but a shorter stay in the memory follows from it: it is read, not verified.
    """
    payload = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expiry = float(claims["exp"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return math.inf
    return math.inf if math.isnan(expiry) else expiry
