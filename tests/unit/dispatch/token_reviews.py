"""An API server that only reviews tokens, in a test's hands."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from builders.clock import FakeClock
from spectra_operator.dispatch.auth import (
    AUDIENCE,
    POD_NAME,
    POD_UID,
    AuthLimits,
    Identity,
    TokenAuthenticator,
)
from spectra_operator.dispatch.refusal import Refusal
from spectra_operator.kube.errors import KubeError
from spectra_operator.kube.resources import TOKEN_REVIEWS, Body, Resource


def a_token(name: str = "worker-1", **payload: Any) -> str:
    """Return a token that says of itself what is given; no two names make the same."""
    body = json.dumps({"sub": name} | payload).encode()
    return ".".join(_part(part) for part in (b'{"alg":"RS256"}', body, b"signed " + name.encode()))


def bearer(token: str) -> str:
    """Return the header."""
    return f"Bearer {token}"


def a_pods_review(pod: str = "worker-1", namespace: str = "team", **status: Any) -> Body:
    """Return the status of a review that went well; `status` changes parts of it."""
    extra = {POD_NAME: [pod], POD_UID: [f"uid-of-{pod}"]}
    user = {"username": f"system:serviceaccount:{namespace}:default", "extra": extra}
    return {"authenticated": True, "audiences": [AUDIENCE], "user": user} | status


class TokenReviews:
    """Answers reviews: every token is the same pod's unless said otherwise."""

    def __init__(self) -> None:
        self.asked: list[Body] = []
        self.status: Any = a_pods_review()
        self.of_token: dict[str, Any] = {}
        self.error: Exception | None = None
        self.at_once = self.most_at_once = 0
        self.open = asyncio.Event()
        self.open.set()

    async def create(self, resource: Resource, namespace: str | None, body: Body) -> Body:
        """Answer a review once `open` is set."""
        assert (resource, namespace) == (TOKEN_REVIEWS, None)
        self.asked.append(body)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.open.wait()
        finally:
            self.at_once -= 1
        if self.error is not None:
            raise self.error
        return body | {"status": self.of_token.get(body["spec"]["token"], self.status)}


class World:
    """An authenticator with its surroundings."""

    def __init__(self, **limits: Any) -> None:
        self.reviews = TokenReviews()
        self.clock = FakeClock()
        self.tokens = TokenAuthenticator(self.reviews, self.clock, AuthLimits(**limits))

    async def says(self, token: str) -> Identity | str:
        """Return who it is, or why not."""
        try:
            return await self.tokens.identify(bearer(token))
        except Refusal as refusal:
            return f"{refusal.status} {refusal.reason}"

    def ends_in(self, seconds: float) -> float:
        """Return a time as a token tells it."""
        return self.clock.now().timestamp() + seconds


def away() -> KubeError:
    """Return what the client raises when the API server is away."""
    return KubeError("create tokenreviews: no answer", reason="Unreachable")


def _part(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")
