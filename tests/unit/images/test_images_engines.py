"""With which commands the two engines build, and what they need for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from images import base, engines, steps
from images.catalog import CATALOG, Image
from images.engines import Buildah, Docker, Job
from images.errors import StepFailedError, ToolMissingError

AGENT, FOUNDATION, POOL_GO = CATALOG["agent"], CATALOG["foundation"], CATALOG["pool-go"]


class Recorder:
    """Records commands; those that hold a marked word fail."""

    def __init__(self, *failing: str) -> None:
        self.commands: list[str] = []
        self.failing = failing

    def __call__(self, command: Sequence[str]) -> str:
        line = " ".join(command)
        self.commands.append(line)
        if any(word in line for word in self.failing):
            raise StepFailedError(line)
        return "container-1\n" if " from " in line else ""

    def only(self, word: str) -> str:
        [line] = [line for line in self.commands if word in line]
        return line


def job(image: Image, parent: str | None = None) -> Job:
    return Job(image, "c" * 64, parent, Path("/cache/x.tar"))


def test_docker_builds_with_the_dockerfiles_own_base_and_saves() -> None:
    run = Recorder()
    Docker(Path("/root"), run).build(job(FOUNDATION, "parent:1"))
    assert "--build-arg AGENT=parent:1 /root" in run.only("docker build")
    assert "docker.io/local/spectra-foundation:dev" in run.only("docker save -o /cache/x.tar")


def test_buildah_makes_its_base_first_and_builds_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives = (tmp_path / "builder.tar", tmp_path / "base.tar")
    monkeypatch.setattr(base, "make_base", lambda _folder, _run: archives)
    monkeypatch.setattr(steps, "ensure_debian_packages", lambda *_: None)
    run = Recorder(" inspect ")
    Buildah(Path("/root"), tmp_path, run).build(job(AGENT))
    assert [line for line in run.commands if " add " in line] == [
        run.only(str(archives[1])),
        run.only(str(archives[0])),
    ]
    assert len([line for line in run.commands if line.endswith(" rm container-1")]) == 2
    build = run.only(" bud ")
    assert "--build-arg BASE=docker.io/local/spectra-base:" in build
    assert "--build-arg BUILDER=docker.io/local/spectra-builder:" in build
    reference = "docker.io/local/spectra-agent:dev"
    assert run.only(" push ").endswith(f"{reference} oci-archive:/cache/x.tar:{reference}")


def test_buildah_uses_the_base_it_has(tmp_path: Path) -> None:
    run = Recorder()
    Buildah(Path("/root"), tmp_path, run).build(job(AGENT))
    assert not [line for line in run.commands if " add " in line]


def test_buildah_trusts_the_hosts_certificates_while_it_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "certs" / "bundle.crt"
    bundle.parent.mkdir()
    bundle.touch()
    monkeypatch.setattr(engines, "HOST_CERTIFICATES", bundle)
    run = Recorder()
    Buildah(Path("/root"), tmp_path, run).build(job(FOUNDATION, "parent:1"))
    assert f"--volume {bundle.parent}:{bundle.parent}:ro" in run.only(" bud ")
    assert f"--build-arg PIP_CERT={bundle}" in run.only(" bud ")


class MachineWithGo(Recorder):
    """A machine that has Go; `go env` answers where it and its cache are."""

    def __call__(self, command: Sequence[str]) -> str:
        said = super().__call__(command)
        return (
            "/opt/go\n/home/cache\n" if list(command[1:]) == ["env", "GOROOT", "GOCACHE"] else said
        )


def test_buildah_lends_the_machines_go_to_an_image_that_is_compiled(tmp_path: Path) -> None:
    run = MachineWithGo()
    Buildah(Path("/root"), tmp_path, run).build(job(POOL_GO))
    build = run.only(" bud ")
    assert "--volume /opt/go:/usr/local/go:ro --volume /home/cache:/gocache" in build
    assert "--build-arg GO=docker.io/local/spectra-builder:" in build
    Buildah(Path("/root"), tmp_path, run).build(job(AGENT))
    assert len([line for line in run.commands if "/opt/go" in line]) == 1


def test_an_image_that_is_compiled_asks_for_go_where_there_is_none(tmp_path: Path) -> None:
    def without_go(command: Sequence[str]) -> str:
        if command[0].endswith("go"):
            raise FileNotFoundError(command[0])
        return ""

    with pytest.raises(ToolMissingError, match=r"install Go 1\.26 or later"):
        Buildah(Path("/root"), tmp_path, without_go).build(job(POOL_GO))


def test_docker_takes_go_from_the_dockerfiles_own_image() -> None:
    run = Recorder()
    Docker(Path("/root"), run).build(job(POOL_GO))
    assert "--build-arg" not in run.only("docker build")


@pytest.mark.parametrize("failing", [(), ("rm",)], ids=["is there", "is not there"])
def test_a_forgotten_image_is_removed_if_it_is_there(
    tmp_path: Path, failing: tuple[str, ...]
) -> None:
    run = Recorder(*failing)
    Docker(tmp_path, run).forget(AGENT, "c" * 64)
    Buildah(tmp_path, tmp_path, run).forget(AGENT, "c" * 64)
    name = engines.local_name(AGENT, "c" * 64)
    assert [line.split(" ")[-1] for line in run.commands] == [name, name]
    assert "docker image rm" in run.commands[0]
    assert " rmi " in run.commands[1]


def test_docker_is_chosen_when_its_engine_answers(tmp_path: Path) -> None:
    assert isinstance(engines.choose(tmp_path, tmp_path, Recorder()), Docker)


def test_buildah_is_chosen_when_docker_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[list[str]] = []
    monkeypatch.setattr(steps, "ensure_debian_packages", lambda names, _run: wanted.append(names))
    assert isinstance(engines.choose(tmp_path, tmp_path, Recorder("docker info")), Buildah)
    assert wanted == [["buildah"]]
