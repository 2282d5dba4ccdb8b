"""The bill of materials of an image, as CycloneDX 1.6 in JSON."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from release.contents import Contents, DebianPackage, PythonPackage
from release.errors import ReleaseError
from release.lockfile import Locked

SCHEMA = SchemaVersion.V1_6
OURS = "Apache-2.0"


@dataclass(frozen=True)
class Subject:
    """The image that a bill of materials is of.

    Attributes:
        name: Without registry, as `spectra-operator`.
        version: As its tag.
        digest: Of its manifest.
        project: The Python package that is made here and so is in no lock file; its version is
            the release's.
        time: Of everything released.
    """

    name: str
    version: str
    digest: str
    project: str
    time: datetime


def document(subject: Subject, contents: Contents, locked: Locked) -> str:
    """Return the bill of materials as JSON; the same image always gives the same text.

    Raises:
        ReleaseError: It would not be valid by CycloneDX's own schema.
    """
    image = _image(subject)
    parts = [
        *(_python(package, locked, subject.project) for package in contents.python),
        *(_debian(package, contents.system) for package in contents.debian),
    ]
    if contents.interpreter:
        parts.append(_interpreter(contents.interpreter))
    if contents.system:
        parts.append(_system(contents.system))
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, f"{subject.name}@{subject.digest}"),
        metadata=BomMetaData(component=image, timestamp=subject.time),
        components=parts,
    )
    bom.register_dependency(image, parts)
    text = make_outputter(bom, OutputFormat.JSON, SCHEMA).output_as_string(indent=2) + "\n"
    if problem := JsonStrictValidator(SCHEMA).validate_str(text):
        raise ReleaseError(f"the bill of materials of {subject.name} is not valid: {problem}")
    return text


def _image(subject: Subject) -> Component:
    purl = PackageURL("oci", None, subject.name, subject.digest, {"tag": subject.version})
    return Component(
        type=ComponentType.CONTAINER,
        name=subject.name,
        version=subject.version,
        bom_ref=str(purl),
        purl=purl,
        licenses=_licences(OURS),
    )


def _python(package: PythonPackage, locked: Locked, project: str) -> Component:
    purl = PackageURL("pypi", None, package.name, package.version)
    sums = locked.get((package.name, package.version), ())
    return Component(
        type=ComponentType.APPLICATION if package.name == project else ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        bom_ref=str(purl),
        purl=purl,
        licenses=_licences(package.licence),
        external_references=_files(purl, sums),
    )


def _files(purl: PackageURL, sums: Iterable[str]) -> list[ExternalReference]:
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=each) for each in sums]
    if not hashes:
        return []
    return [
        ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(str(purl)),
            comment="Installed from one of the files with these sums, as requirements.lock demands",
            hashes=hashes,
        )
    ]


def _debian(package: DebianPackage, system: str) -> Component:
    qualifiers = {"arch": package.architecture, "distro": system}
    if package.source != package.name:
        qualifiers["upstream"] = package.source
    distributor = system.partition("-")[0] or "debian"
    purl = PackageURL("deb", distributor, package.name, package.version, qualifiers)
    return Component(
        type=ComponentType.LIBRARY,
        name=package.name,
        version=package.version,
        bom_ref=str(purl),
        purl=purl,
    )


def _interpreter(version: str) -> Component:
    purl = PackageURL("generic", None, "python", version)
    return Component(name="python", version=version, bom_ref=str(purl), purl=purl)


def _system(system: str) -> Component:
    name, _, version = system.partition("-")
    return Component(
        type=ComponentType.OPERATING_SYSTEM, name=name, version=version, bom_ref=f"os:{system}"
    )


def _licences(licence: str) -> list[License]:
    return [LicenseFactory().make_from_string(licence)] if licence else []
