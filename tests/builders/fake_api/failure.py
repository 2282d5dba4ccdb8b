"""A refusal, in the API's own form."""

from __future__ import annotations

from typing import Any


class ApiFailure(Exception):  # noqa: N818 - not an error of the fake: an answer it gives
    """The answer to a call is a Status object with this content."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        causes: list[dict[str, str]] | None = None,
        retry_after: int | None = None,
        name: str = "",
    ) -> None:
        """Keep the parts of the Status.

        Args:
            code: HTTP status.
            reason: Such as `AlreadyExists`.
            message: For people.
            causes: The details' causes, each with `reason` and `message`.
            retry_after: Seconds for the Retry-After header; None to send none.
            name: The object that the details name; empty for none.
        """
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes or []
        self.retry_after = retry_after
        self.name = name

    def status_object(self) -> dict[str, Any]:
        """Return the Status."""
        details: dict[str, Any] = {"causes": self.causes} if self.causes else {}
        if self.name:
            details["name"] = self.name
        if self.retry_after is not None:
            details["retryAfterSeconds"] = self.retry_after
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": details,
            "code": self.code,
        }


def not_found(plural: str, name: str) -> ApiFailure:
    """Return the answer for an object that is not there."""
    return ApiFailure(404, "NotFound", f'{plural} "{name}" not found', name=name)


def conflict(plural: str, name: str, why: str) -> ApiFailure:
    """Return the answer for a precondition that does not hold."""
    return ApiFailure(409, "Conflict", f'Operation cannot be fulfilled on {plural} "{name}": {why}')


def expired(why: str) -> ApiFailure:
    """Return the answer for a moment that is too long ago."""
    return ApiFailure(410, "Expired", why)
