"""What an image is made of is read from its files."""

from __future__ import annotations

import pytest

from builders.releases import OS_RELEASE, a_layer, a_layout, metadata, site
from checks.repository import ROOT
from release import archives, build, contents, lockfile
from release.contents import DebianPackage, PythonPackage
from release.errors import ReleaseError

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+deb12u14
Description: GNU C Library
 Version: not this one

Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""
LOCK = """\
# comment
aiohttp==3.14.5 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
    # via kopf
uvloop==0.23.0 ; sys_platform != 'win32' \\
    --hash=sha256:{a}
""".format(a="a" * 64, b="b" * 64)


def test_the_packages_that_are_installed_are_listed_by_name() -> None:
    assert contents.debian_packages(STATUS) == (
        DebianPackage("bash", "5.2.15-2", "amd64", "bash"),
        DebianPackage("libc6", "2.36-9+deb12u14", "amd64", "glibc"),
    )


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        (("License-Expression: MIT OR Apache-2.0",), "MIT OR Apache-2.0"),
        (("License: MIT License",), "MIT"),
        (("License: Own words",), "Own words"),
        (("License: A text\n        of two lines",), ""),
        (("Classifier: License :: OSI Approved :: BSD License",), "BSD License"),
        (("License: MIT", "Classifier: License :: OSI Approved :: BSD License"), "MIT"),
        (("Classifier: Framework :: AsyncIO",), ""),
    ],
)
def test_the_licence_is_what_the_package_calls_it(lines: tuple[str, ...], licence: str) -> None:
    assert contents.python_package(metadata("x", "1", *lines)).licence == licence


def test_names_are_written_as_lock_files_write_them() -> None:
    package = contents.python_package(metadata("Typing_Extensions", "4.16.0"))

    assert package == PythonPackage("typing-extensions", "4.16.0", "")


def test_an_image_holds_what_its_layers_hold() -> None:
    base = {"var/lib/dpkg/status": STATUS, "usr/lib/os-release": OS_RELEASE, "etc/hosts": "x"}
    python = {site("aiohttp", "3.14.5"): metadata("aiohttp", "3.14.5")}

    found = contents.of(a_layout(a_layer(base), a_layer(python)))

    assert found.system == "debian-12"
    assert [package.name for package in found.debian] == ["bash", "libc6"]
    assert found.python == (PythonPackage("aiohttp", "3.14.5", ""),)
    assert found.interpreter == ""


def test_what_an_upper_layer_deletes_is_not_in_the_image() -> None:
    files = {site(name, "1"): metadata(name, "1") for name in ("a", "b")}
    path = site("a", "1").removesuffix("/METADATA")
    folder, _, name = path.rpartition("/")

    found = contents.of(a_layout(a_layer(files), a_layer({f"{folder}/.wh.{name}": ""})))

    assert [package.name for package in found.python] == ["b"]


def test_a_folder_that_an_upper_layer_deletes_takes_all_below_it_along() -> None:
    files = {site(name, "1"): metadata(name, "1") for name in ("a", "ab")}
    folder = site("a", "1").removesuffix("/METADATA")
    parent, _, name = folder.rpartition("/")

    layers = a_layer(files), a_layer({f"./{parent}/.wh.{name}": ""})
    found = contents.of(a_layout(*layers))

    assert [package.name for package in found.python] == ["ab"]


def test_a_folder_made_anew_keeps_only_what_its_own_layer_has() -> None:
    parent = site("a", "1").rpartition("/a-1.")[0]
    below = a_layer({site(name, "1"): metadata(name, "1") for name in ("a", "b")})
    above = {site("c", "1"): metadata("c", "1"), f"{parent}/.wh..wh..opq": ""}

    found = contents.of(a_layout(below, a_layer(above)))

    assert [package.name for package in found.python] == ["c"]


def test_a_package_that_is_deleted_and_put_back_in_one_layer_is_there() -> None:
    old, new = (metadata("a", version) for version in ("1", "2"))
    folder = site("a", "1").removesuffix("/METADATA")
    parent, _, name = folder.rpartition("/")
    above = {site("a", "2"): new, f"{parent}/.wh.{name}": ""}

    found = contents.of(a_layout(a_layer({site("a", "1"): old}), a_layer(above)))

    assert found.python == (PythonPackage("a", "2", ""),)


def test_an_upper_layer_replaces_what_a_lower_one_has() -> None:
    layers = (a_layer({"var/lib/dpkg/status": text}) for text in (STATUS, ""))

    assert contents.of(a_layout(*layers)).debian == ()


@pytest.mark.parametrize(
    ("files", "system"),
    [
        ({"etc/os-release": OS_RELEASE}, "debian-12"),
        ({"usr/lib/os-release": "ID=alpine\n# VERSION_ID\n"}, "alpine"),
        ({"etc/os-release": "ID=a\n", "usr/lib/os-release": OS_RELEASE}, "debian-12"),
        ({"etc/os-release": "\n"}, ""),
    ],
)
def test_the_system_is_what_it_says_of_itself(files: dict[str, str], system: str) -> None:
    assert contents.of(a_layout(a_layer(files))).system == system


def test_text_that_is_not_of_utf_8_does_not_end_a_release() -> None:
    file = metadata("a", "1").encode() + b"Author: Andr\xe9\n"
    layer = archives.packed([(site("a", "1"), file)], 0)

    assert [package.name for package in contents.of(a_layout(layer)).python] == ["a"]


def test_a_python_that_is_no_package_of_the_system_is_known_by_its_environment() -> None:
    found = contents.of(a_layout(env=("PATH=/bin", "PYTHON_VERSION=3.13.9")))

    assert (found.interpreter, found.system, found.debian) == ("3.13.9", "", ())


def test_what_the_base_brings_is_listed_and_not_taken_for_ours() -> None:
    pip = {
        "usr/local/lib/python3.13/site-packages/pip-25.3.dist-info/METADATA": metadata(
            "pip", "25.3"
        )
    }

    found = contents.of(a_layout(a_layer(pip)))

    assert found.python == (PythonPackage("pip", "25.3", "", ours=False),)


def test_the_lock_file_says_which_files_a_package_may_come_from() -> None:
    assert lockfile.read(LOCK) == {
        ("aiohttp", "3.14.5"): ("a" * 64, "b" * 64),
        ("uvloop", "0.23.0"): ("a" * 64,),
    }


def test_an_image_with_what_is_not_locked_is_refused() -> None:
    installed = [PythonPackage("aiohttp", "3.14.5", ""), PythonPackage("uvloop", "0.22.0", "")]

    with pytest.raises(ReleaseError, match=r"has uvloop 0\.22\.0, which requirements\.lock does"):
        lockfile.refuse_unlocked(installed, lockfile.read(LOCK), "spectra-operator")


def test_an_image_as_it_is_locked_is_taken() -> None:
    lockfile.refuse_unlocked([PythonPackage("aiohttp", "3.14.5", "")], lockfile.read(LOCK), "x")


def test_the_extras_of_a_pin_are_no_part_of_its_name() -> None:
    text = f"uvicorn[standard,x]==1.0 \\\n    --hash=sha256:{'c' * 64}\n"

    assert lockfile.read(LOCK + text)[("uvicorn", "1.0")] == ("c" * 64,)


def test_two_versions_for_two_systems_are_both_locked() -> None:
    text = "".join(
        f"a=={version} ; sys_platform {sign} 'win32' --hash=sha256:{letter * 64}\n"
        for version, sign, letter in (("1", "==", "a"), ("2", "!=", "b"))
    )

    assert lockfile.read(text) == {("a", "1"): ("a" * 64,), ("a", "2"): ("b" * 64,)}


def test_every_package_that_is_not_locked_is_named_at_once() -> None:
    strange = [PythonPackage(name, "9", "") for name in ("a", "b")]

    with pytest.raises(ReleaseError, match=r"spectra-agent has a 9, b 9, .*`make images`"):
        lockfile.refuse_unlocked(strange, {}, "spectra-agent")


def test_the_lock_file_of_this_repository_has_sums_for_every_pin() -> None:
    locked = lockfile.read((ROOT / build.LOCK).read_text())

    assert len(locked) > 20
    assert [pin for pin, sums in locked.items() if not sums] == []
