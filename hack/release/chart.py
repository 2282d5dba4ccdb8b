"""The packaged chart, and install.yaml, both with the image of the release."""

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

_REPOSITORY = re.compile(r"^(  repository: )(?P<value>\S+)$", re.M)
_TAG = re.compile(r"^(  tag: )(?P<value>\S+)$", re.M)


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
    values = (root / repo.CHART / "values.yaml").read_text()
    return _only(_REPOSITORY, values)["value"].rpartition("/")[0]


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
    name = _only(_REPOSITORY, text)["value"].rpartition("/")[2]
    _only(_TAG, text)
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


def _only(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    found = list(pattern.finditer(text))
    if len(found) != 1:
        raise ReleaseError(
            f"{repo.CHART}/values.yaml: expected one line like {pattern.pattern!r}, "
            f"found {len(found)}"
        )
    return found[0]
