"""The webhook's certificate: what is in it, and when it is replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from spectra_operator.kube.certificates import (
    RENEW_BEFORE,
    VALID,
    Pair,
    fault,
    is_certificate,
    issue,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ["hook.ops.svc"]


@pytest.fixture(scope="module")
def pair() -> Pair:
    return issue(NAMES, NOW)


def test_a_fresh_certificate_is_well(pair: Pair) -> None:
    assert fault(pair, NAMES, NOW) == ""


def test_a_certificate_names_its_server_and_is_its_own_authority(pair: Pair) -> None:
    found = x509.load_pem_x509_certificate(pair.certificate)

    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == NAMES
    assert found.issuer == found.subject
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_clock_that_lags_behind_ours_believes_it_already(pair: Pair) -> None:
    found = x509.load_pem_x509_certificate(pair.certificate)
    assert found.not_valid_before_utc < NOW - timedelta(minutes=30)


def test_it_is_replaced_long_before_it_ends(pair: Pair) -> None:
    last_good_day = NOW + VALID - RENEW_BEFORE
    assert fault(pair, NAMES, last_good_day) == ""
    assert "ends on 2027-01-01" in fault(pair, NAMES, last_good_day + timedelta(seconds=1))


def test_one_for_another_name_is_replaced(pair: Pair) -> None:
    assert "other names" in fault(pair, ["hook.elsewhere.svc"], NOW)


def test_a_key_that_does_not_fit_is_found(pair: Pair) -> None:
    other = issue(NAMES, NOW)
    assert "another one's" in fault(Pair(pair.certificate, other.key), NAMES, NOW)


@pytest.mark.parametrize("bad", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_cannot_be_read_is_replaced(pair: Pair, bad: bytes) -> None:
    assert "cannot be read" in fault(Pair(bad, pair.key), NAMES, NOW)
    assert "cannot be read" in fault(Pair(pair.certificate, bad), NAMES, NOW)
    assert not is_certificate(bad)


def test_a_name_longer_than_a_common_name_may_be_still_gets_a_certificate() -> None:
    names = [f"{'n' * 60}.{'s' * 60}.svc"]
    assert fault(issue(names, NOW), names, NOW) == ""


def test_two_certificates_are_never_the_same(pair: Pair) -> None:
    assert issue(NAMES, NOW).certificate != pair.certificate
