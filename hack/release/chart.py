"""The packaged chart and the manifests without Helm, all with the image of the release."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from checks import generated
from checks import repository as repo
from release import archives
from release.errors import ReleaseError
from release.versions import Version

JOB = repo.MANIFESTS / "release" / "job.yaml"
"""What lets every pod go before an uninstall without Helm."""

_VALUES = repo.CHART / "values.yaml"
_REPOSITORY = re.compile(r"^(  repository: )(?P<value>\S+)$", re.M)
_TAG = re.compile(r"^(  tag: )(?P<value>\S+)$", re.M)
_IMAGE = re.compile(r"^(\s+image: )(?P<value>\S+)$", re.M)


@dataclass(frozen=True)
class Staged:
    """A copy of the chart that names the image of the release.

    Attributes:
        folder: Where the copy is.
        version: Of chart and application.
    """

    folder: Path
    version: Version


def default_registry(root: Path) -> str:
    """Return where the chart looks for images when nobody says otherwise.

    Raises:
        ReleaseError: The chart's values have no repository.
    """
    return _only(_REPOSITORY, (root / _VALUES).read_text(), _VALUES).rpartition("/")[0]


def stage(root: Path, scratch: Path, registry: str, version: Version) -> Staged:
    """Copy the chart and write the release's image into its values.

    Raises:
        ReleaseError: The chart's values have no repository or tag.
    """
    folder = scratch / repo.CHART.name
    shutil.copytree(root / repo.CHART, folder)
    path = folder / "values.yaml"
    path.write_text(released_values(path.read_text(), registry, version))
    return Staged(folder, version)


def released_values(text: str, registry: str, version: Version) -> str:
    """Return a values.yaml whose image is the release's, in a registry.

    Raises:
        ReleaseError: There is not exactly one repository and one tag.
    """
    name = _only(_REPOSITORY, text, _VALUES).rpartition("/")[2]
    _only(_TAG, text, _VALUES)
    text = _REPOSITORY.sub(rf"\g<1>{registry}/{name}", text)
    return _TAG.sub(rf"\g<1>{version.semantic}", text)


def package(staged: Staged, target: Path, epoch: int) -> Path:
    """Package the chart into a folder; the same chart always gives the same bytes.

    Raises:
        CheckError: Helm refused it.
        ClusterError: Helm could not be built.
    """
    version = staged.version.semantic
    versions = ["--version", version, "--app-version", version]
    into = ["--destination", str(target)]
    repo.run([repo.binary("helm"), "package", str(staged.folder), *versions, *into])
    path = target / f"{repo.CHART.name}-{version}.tgz"
    archives.repack(path, epoch)
    return path


def install_yaml(staged: Staged) -> str:
    """Return the manifest that installs everything without Helm.

    Raises:
        CheckError: Helm refused the chart.
        ClusterError: Helm could not be built.
    """
    files = generated.manifest_files(generated.rendered(staged.folder, "manifests"))
    return files[repo.MANIFESTS / "install.yaml"]


def uninstall_job(text: str, registry: str, version: Version) -> str:
    """Return the Job of an uninstall without Helm, with the release's image in a registry.

    Args:
        text: The Job as it is in the repository, at `JOB`.
        registry: Where the image will be.
        version: Of the release.

    Raises:
        ReleaseError: There is not exactly one image.
    """
    name = _only(_IMAGE, text, JOB).rpartition("/")[2].partition(":")[0]
    return _IMAGE.sub(rf"\g<1>{registry}/{name}:{version.semantic}", text)


def _only(pattern: re.Pattern[str], text: str, path: Path) -> str:
    found = list(pattern.finditer(text))
    if len(found) != 1:
        raise ReleaseError(
            f"{path}: expected one line like {pattern.pattern!r}, found {len(found)}"
        )
    return found[0]["value"]
