"""Calls that are not answered as hoped, in the one form in which workers are told."""

from __future__ import annotations

import json
from http import HTTPStatus

from aiohttp import web

from ..engine.desk_calls import (
    DeskError,
    NotHolderError,
    StaleError,
    StrangerError,
    UnavailableError,
)

RETRY_SECONDS = 1
MAX_MESSAGE = 1_000
_STATUS: dict[type[DeskError], int] = {
    StrangerError: 403,
    StaleError: 409,
    UnavailableError: 503,
}
DESK_ERRORS: tuple[type[DeskError], ...] = (NotHolderError, *_STATUS)
"""What the desk says on purpose; any other of its errors is a fault."""
_LATER = (429, 503)
INTERNAL = (500, "InternalError", "the operator failed at this call; its log tells more")


class Refusal(Exception):  # noqa: N818 - an answer that is given, not a fault of ours
    """The answer to a call is an error with this content.

    Attributes:
        status: HTTP status.
        reason: Why, in one word.
        message: Why, in a sentence, and what to do.
        address: Who answers instead, with 421; empty otherwise.
    """

    def __init__(self, status: int, reason: str, message: str, address: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message[:MAX_MESSAGE]
        self.address = address

    def response(self) -> web.Response:
        """Return it as an answer; one that is not authenticated also ends the connection."""
        body: dict[str, str | int] = {
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
        }
        if self.address:
            body["address"] = self.address
        response = web.json_response(body, status=self.status)
        if self.status in _LATER:
            response.headers["Retry-After"] = str(RETRY_SECONDS)
        if self.status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
            response.force_close()
        return response


def refusal_of(error: DeskError) -> Refusal:
    """Return what a worker is told of one of the `DESK_ERRORS`.

    Nobody to turn to is no address to go to: an unknown holder is a reason to try again.
    """
    if isinstance(error, NotHolderError):
        if not error.address:
            return Refusal(503, error.reason, error.message)
        return Refusal(421, error.reason, error.message, error.address)
    status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
    return Refusal(status, error.reason, error.message)


def refused_by_http(error: web.HTTPException) -> web.Response:
    """Return what a worker is told when the HTTP server itself refuses, such as 404."""
    words = "".join(part.capitalize() for part in error.reason.replace("-", " ").split())
    message = f"{error.status} {error.reason}; see GET /openapi.json"
    response = Refusal(error.status, words, message).response()
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def dumped(value: object) -> str:
    """Return compact JSON.

    Raises:
        ValueError: There is a number in it that JSON cannot hold.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
