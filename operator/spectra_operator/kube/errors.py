"""What can go wrong in a call to the API server, as one small tree.

Every error says whether the write may have been committed all the same (`ambiguous`):
then the caller must look before it decides, never assume.
"""
# ruff: noqa: N818 - the names are the API's own reasons; "Error" would only add noise

from __future__ import annotations

from typing import Any

from spectra_operator.kube.resources import Body

_QUOTING = ("admission webhook", "ValidatingAdmissionPolicy")
"""Signs of refusals in the words of others, who may repeat what they refuse."""


class KubeError(Exception):
    """A call to the API server failed; also the class for statuses without one of their own.

    Attributes:
        status: HTTP status; 0 when there was no answer.
        reason: The machine-readable reason of the Status object, such as `AlreadyExists`.
        message: What the server said, with the object it was about.
        details: The Status object's details; empty when it had none.
        ambiguous: Whether the write may have been committed all the same.
        about: The call in words; empty for an error that no answer stands for.
        quotes: Whether the message may repeat a value of the object.
    """

    def __init__(  # noqa: PLR0913 - the parts of a Status object
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        details: dict[str, Any] | None = None,
        ambiguous: bool = False,
        about: str = "",
        quotes: bool = False,
    ) -> None:
        """Keep the parts of a Status object."""
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason
        self.details: dict[str, Any] = details or {}
        self.about = about
        self.quotes = quotes
        self.ambiguous = ambiguous

    @property
    def loggable(self) -> str:
        """The message for the log; without the server's words where they may quote the object.

        Validation and admission do: they repeat the value that they refuse.
        """
        if not self.quotes:
            return self.message
        causes = self.details.get("causes") or []
        fields = ", ".join(str(cause.get("field")) for cause in causes if cause.get("field"))
        return f"{self.about}: {self.status} {self.reason} {fields}".rstrip()

    def _has_cause(self, reason: str) -> bool:
        causes = self.details.get("causes") or []
        return any(cause.get("reason") == reason for cause in causes)


class NotFound(KubeError):
    """404: the object, its namespace or its kind does not exist."""


class AlreadyExists(KubeError):
    """409 AlreadyExists: an object of that name is there already."""


class Conflict(KubeError):
    """409: a resourceVersion or UID precondition did not hold."""


class Gone(KubeError):
    """410: the resourceVersion or continue token is too old; list again."""


class Unauthorized(KubeError):
    """401: the credentials were not accepted."""


class Forbidden(KubeError):
    """403: not allowed by RBAC, admission, quota or the state of the namespace."""

    @property
    def namespace_terminating(self) -> bool:
        """Whether the namespace is being deleted and takes no new objects."""
        return self._has_cause("NamespaceTerminating")

    @property
    def quota_exceeded(self) -> bool:
        """Whether a ResourceQuota is full; the API has no reason code for it, only words."""
        return "exceeded quota" in self.message


class Invalid(KubeError):
    """400 or 422: the server does not take this body; sending it again cannot help."""


class Throttled(KubeError):
    """429: the server asks to slow down; the request was not executed.

    Attributes:
        retry_after: Seconds the server asks to wait; 1 when it does not say.
    """

    retry_after: float = 1.0


class ServerError(KubeError):
    """5xx: the server failed, perhaps after it committed the write."""


class Unreachable(KubeError):
    """No answer: connection refused, cut or timed out."""


_CLASSES: dict[int, type[KubeError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: Throttled,
}


def error_from_status(
    status_object: Body, *, http_status: int, about: str, is_write: bool, retry_after: str = ""
) -> KubeError:
    """Return the error that a failed answer stands for.

    Args:
        status_object: The Status object of the answer; empty when it was not JSON.
        http_status: The HTTP status, or the code of a Status inside a watch.
        about: The call in words, such as `create pods ns/name`; begins the message.
        is_write: Whether the call could have changed anything.
        retry_after: The Retry-After header; empty when absent.
    """
    reason = str(status_object.get("reason") or "")
    details = status_object.get("details")
    details = details if isinstance(details, dict) else {}
    said = str(status_object.get("message") or "no message from the server")
    error = _class_for(http_status, reason)(
        f"{about}: {http_status} {reason}: {said}",
        status=http_status,
        reason=reason,
        details=details,
        ambiguous=is_write and http_status >= 500,
        about=about,
        quotes=http_status in (400, 422) or any(sign in said for sign in _QUOTING),
    )
    if isinstance(error, Throttled):
        error.retry_after = _seconds(retry_after, details)
    return error


def _class_for(http_status: int, reason: str) -> type[KubeError]:
    if http_status == 409 and reason == "AlreadyExists":
        return AlreadyExists
    if http_status >= 500:
        return ServerError
    return _CLASSES.get(http_status, KubeError)


def _seconds(header: str, details: dict[str, Any]) -> float:
    if header.isdecimal():
        return float(header)
    stated = details.get("retryAfterSeconds")
    return float(stated) if isinstance(stated, int | float) and stated > 0 else 1.0
