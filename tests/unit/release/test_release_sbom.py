"""A bill of materials says what is in an image, by CycloneDX's own schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cyclonedx.validation.json import JsonStrictValidator

from release import sbom
from release.contents import Contents, DebianPackage, PythonPackage
from release.errors import ReleaseError

SUM, OTHER = "a" * 64, "b" * 64
DIGEST = f"sha256:{'c' * 64}"
SUBJECT = sbom.Subject(
    "spectra-operator", "1.2.3", DIGEST, "spectra-operator", datetime(2026, 3, 4, tzinfo=UTC)
)
CONTENTS = Contents(
    "debian-12",
    "3.13.9",
    (
        DebianPackage("bash", "5.2.15-2+b13", "amd64", "bash"),
        DebianPackage("libc6", "2.36-9", "amd64", "glibc"),
    ),
    (
        PythonPackage("aiohttp", "3.14.5", "Apache-2.0 AND MIT"),
        PythonPackage("cronsim", "2.8", "BSD License"),
        PythonPackage("idna", "3.20", ""),
        PythonPackage("kopf", "1.45.2", "mit"),
        PythonPackage("spectra-operator", "1.2.3", "Apache-2.0"),
    ),
)
LOCKED = {("aiohttp", "3.14.5"): (SUM, OTHER)}


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(sbom.document(SUBJECT, CONTENTS, LOCKED))
    return body


def part(bill: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [each for each in bill["components"] if each["name"] == name]
    body: dict[str, Any] = found
    return body


def test_it_is_about_the_image_by_its_digest(bill: dict[str, Any]) -> None:
    image = bill["metadata"]["component"]

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert (image["type"], image["version"]) == ("container", "1.2.3")
    assert image["purl"] == f"pkg:oci/spectra-operator@{DIGEST}?tag=1.2.3"
    assert bill["metadata"]["timestamp"] == "2026-03-04T00:00:00+00:00"


def test_a_python_package_has_the_sums_of_its_lock(bill: dict[str, Any]) -> None:
    package = part(bill, "aiohttp")

    [files] = package["externalReferences"]

    assert package["purl"] == "pkg:pypi/aiohttp@3.14.5"
    assert [each["content"] for each in files["hashes"]] == [SUM, OTHER]
    assert files["type"] == "distribution"


@pytest.mark.parametrize(
    ("name", "licences"),
    [
        ("aiohttp", [{"expression": "Apache-2.0 AND MIT"}]),
        ("cronsim", [{"license": {"name": "BSD License"}}]),
        ("kopf", [{"license": {"id": "MIT"}}]),
        ("idna", None),
    ],
)
def test_a_licence_is_an_spdx_expression_or_what_the_package_calls_it(
    bill: dict[str, Any], name: str, licences: Any
) -> None:
    assert part(bill, name).get("licenses") == licences


def test_a_debian_package_names_the_source_that_notices_are_about(bill: dict[str, Any]) -> None:
    assert part(bill, "bash")["purl"] == (
        "pkg:deb/debian/bash@5.2.15-2%2Bb13?arch=amd64&distro=debian-12"
    )
    assert part(bill, "libc6")["purl"].endswith("&upstream=glibc")


def test_system_interpreter_and_the_project_itself_are_parts_too(bill: dict[str, Any]) -> None:
    assert part(bill, "debian")["type"] == "operating-system"
    assert part(bill, "python")["version"] == "3.13.9"
    assert part(bill, "spectra-operator")["type"] == "application"


def test_the_image_depends_on_every_part(bill: dict[str, Any]) -> None:
    image = bill["metadata"]["component"]["bom-ref"]

    [depends] = [each["dependsOn"] for each in bill["dependencies"] if each["ref"] == image]

    assert set(depends) == {each["bom-ref"] for each in bill["components"]}


def test_the_same_image_has_the_same_bill() -> None:
    assert sbom.document(SUBJECT, CONTENTS, LOCKED) == sbom.document(SUBJECT, CONTENTS, LOCKED)


def test_a_bill_that_breaks_the_schema_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JsonStrictValidator, "validate_str", lambda *_: "a reason")

    with pytest.raises(ReleaseError, match="of spectra-operator is not valid: a reason"):
        sbom.document(SUBJECT, CONTENTS, LOCKED)


def test_an_image_of_which_nothing_is_known_has_an_empty_bill() -> None:
    bill = json.loads(sbom.document(SUBJECT, Contents("", "", (), ()), {}))

    assert bill.get("components", []) == []
    assert bill["metadata"]["component"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]


def test_a_package_of_debian_has_its_purl_even_where_the_system_says_no_name() -> None:
    package = DebianPackage("bash", "5.2", "amd64", "bash")

    bill = json.loads(sbom.document(SUBJECT, Contents("", "", (package,), ()), {}))

    assert part(bill, "bash")["purl"] == "pkg:deb/debian/bash@5.2?arch=amd64"


def test_a_package_of_another_distribution_is_filed_there() -> None:
    package = DebianPackage("bash", "5.2", "arm64", "bash")

    bill = json.loads(sbom.document(SUBJECT, Contents("ubuntu-24.04", "", (package,), ()), {}))

    assert part(bill, "bash")["purl"].startswith("pkg:deb/ubuntu/bash@5.2?")
    assert part(bill, "ubuntu")["version"] == "24.04"


def test_another_image_has_a_bill_of_another_number() -> None:
    other = sbom.Subject(SUBJECT.name, SUBJECT.version, f"sha256:{'d' * 64}", "x", SUBJECT.time)

    numbers = {
        json.loads(sbom.document(each, CONTENTS, LOCKED))["serialNumber"]
        for each in (SUBJECT, other)
    }

    assert len(numbers) == 2


def test_two_versions_of_one_package_are_two_parts() -> None:
    twice = tuple(PythonPackage("pip", version, "MIT") for version in ("25.2", "25.3"))

    bill = json.loads(sbom.document(SUBJECT, Contents("", "", (), twice), {}))

    assert [each["version"] for each in bill["components"]] == ["25.2", "25.3"]
