"""What an image is made of is read from its files."""

from __future__ import annotations

import pytest

from builders.releases import OS_RELEASE, a_layer, a_layout, metadata, site
from release import contents, lockfile
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
