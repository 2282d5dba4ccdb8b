"""Which answer becomes which error."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    KubeError,
    NotFound,
    ServerError,
    Throttled,
    Unauthorized,
    error_from_status,
)


def _error(http_status: int, *, is_write: bool = True, retry_after: str = "", **status: Any) -> Any:
    return error_from_status(
        status,
        http_status=http_status,
        about="create pods ns/a",
        is_write=is_write,
        retry_after=retry_after,
    )


@pytest.mark.parametrize(
    ("http_status", "reason", "expected"),
    [
        (400, "BadRequest", Invalid),
        (401, "Unauthorized", Unauthorized),
        (403, "Forbidden", Forbidden),
        (404, "NotFound", NotFound),
        (405, "MethodNotAllowed", KubeError),
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", Conflict),
        (409, "", Conflict),
        (410, "Expired", Gone),
        (410, "Gone", Gone),
        (422, "Invalid", Invalid),
        (429, "TooManyRequests", Throttled),
        (500, "InternalError", ServerError),
        (503, "ServiceUnavailable", ServerError),
        (504, "Timeout", ServerError),
    ],
)
def test_status_and_reason_choose_the_class(
    http_status: int, reason: str, expected: type[KubeError]
) -> None:
    error = _error(http_status, reason=reason)
    assert type(error) is expected
    assert (error.status, error.reason) == (http_status, reason)


def test_the_message_names_the_call_and_what_the_server_said() -> None:
    error = _error(404, reason="NotFound", message='pods "a" not found')
    assert str(error) == 'create pods ns/a: 404 NotFound: pods "a" not found'


@pytest.mark.parametrize(("http_status", "ambiguous"), [(500, True), (504, True), (409, False)])
def test_only_a_server_error_leaves_open_whether_a_write_was_committed(
    http_status: int, ambiguous: bool
) -> None:
    assert _error(http_status).ambiguous is ambiguous


def test_a_failed_read_is_never_ambiguous() -> None:
    assert not _error(500, is_write=False).ambiguous


def test_a_terminating_namespace_is_known_by_its_cause_not_by_words() -> None:
    causes = [{"reason": "NamespaceTerminating", "message": "ns is being terminated"}]
    assert _error(403, details={"causes": causes}).namespace_terminating
    assert not _error(403, message="namespace is being terminated").namespace_terminating


def test_a_full_quota_is_known_by_its_words() -> None:
    said = 'pods "a" is forbidden: exceeded quota: team, requested: pods=1, used: pods=4'
    assert _error(403, message=said).quota_exceeded
    assert not _error(403, message='pods "a" is forbidden').quota_exceeded


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [
        ("7", {}, 7.0),
        ("7", {"retryAfterSeconds": 3}, 7.0),
        ("", {"retryAfterSeconds": 3}, 3.0),
        ("", {}, 1.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", {}, 1.0),
    ],
)
def test_a_throttled_call_says_when_to_come_back(
    header: str, details: dict[str, Any], seconds: float
) -> None:
    assert _error(429, retry_after=header, details=details).retry_after == seconds


def test_malformed_details_do_not_break_the_mapping() -> None:
    assert _error(403, details=None).details == {}
    assert _error(403, details={"causes": None}).namespace_terminating is False
