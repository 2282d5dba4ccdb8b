"""What is built, what is skipped, and what is said about it."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from images import __main__ as command_line
from images import builder as builder_module
from images import engines
from images.builder import Builder, cache_folder, only_one
from images.catalog import CATALOG, Image
from images.engines import Engine, Job
from images.errors import ImagesError, StepFailedError

AGENT, FOUNDATION = CATALOG["agent"], CATALOG["foundation"]


class FakeEngine:
    """Writes small archives and remembers what it was asked for."""

    name = "fake"

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.forgotten: list[str] = []

    def has(self, image: Image, content: str) -> str | None:
        known = any(job.content == content for job in self.jobs)
        return engines.local_name(image, content) if known else None

    def build(self, job: Job) -> None:
        self.jobs.append(job)
        job.archive.write_text(job.content)

    def forget(self, image: Image, content: str) -> None:
        self.forgotten.append(content)


class House:
    """A repository with the agent's and the example's files, a cache and an engine."""

    def __init__(self, folder: Path) -> None:
        self.root, self.cache = folder / "root", folder / "cache"
        self.engine = FakeEngine()
        self.said: list[str] = []
        self.write(".dockerignore", "*")
        self.write("agent/Dockerfile", "FROM base")
        self.write("agent/spectra_agent/code.py", "1")
        self.write("examples/foundation/Dockerfile", "FROM agent")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def builder(self) -> Builder:
        return Builder(self.root, self.cache, lambda: self.engine, self.said.append)

    def built(self) -> list[str]:
        return [job.image.name for job in self.engine.jobs]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_an_image_is_built_once(house: House) -> None:
    first = house.builder().build([AGENT])
    assert house.builder().build([AGENT]) == first
    assert house.built() == ["agent"]
    assert first[0].name == "agent.tar"
    assert first[0].parent.name == first[0].read_text()


def test_a_changed_input_builds_it_again_elsewhere(house: House) -> None:
    [first] = house.builder().build([AGENT])
    house.write("agent/spectra_agent/code.py", "2")
    [second] = house.builder().build([AGENT])
    assert first != second
    assert first.exists()
    assert house.built() == ["agent", "agent"]


def test_no_engine_is_looked_for_when_nothing_changed(house: House) -> None:
    house.builder().build([AGENT])

    def none() -> Engine:
        raise AssertionError

    Builder(house.root, house.cache, none, house.said.append).build([AGENT])


def test_a_parent_that_the_engine_lacks_is_built_first(house: House) -> None:
    house.builder().build([FOUNDATION])
    assert house.built() == ["agent", "foundation"]
    assert house.engine.jobs[1].parent == engines.local_name(AGENT, house.engine.jobs[0].content)


def test_a_parent_that_the_engine_has_is_used(house: House) -> None:
    house.builder().build([AGENT, FOUNDATION])
    assert house.built() == ["agent", "foundation"]


def test_a_failed_build_leaves_no_archive(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(job: Job) -> None:
        job.archive.write_text("half")
        raise StepFailedError("no space")

    monkeypatch.setattr(house.engine, "build", fails)
    with pytest.raises(StepFailedError):
        house.builder().build([AGENT])
    assert not house.builder().archive(AGENT).exists()


def test_files_that_change_during_a_build_leave_nothing_under_the_wrong_name(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edited_meanwhile(job: Job) -> None:
        job.archive.write_text("mixed")
        house.write("agent/spectra_agent/code.py", "edited")

    builder = house.builder()
    archive = builder.archive(AGENT)
    monkeypatch.setattr(house.engine, "build", edited_meanwhile)
    with pytest.raises(ImagesError, match="agent changed while it was built; run again"):
        builder.build([AGENT])
    assert list(archive.parent.iterdir()) == []
    assert house.engine.forgotten == [archive.parent.name]


def test_only_the_newest_contents_are_kept(house: House) -> None:
    made = []
    for number in range(builder_module.KEPT_VERSIONS + 2):
        house.write("agent/spectra_agent/code.py", str(number))
        [path] = house.builder().build([AGENT])
        os.utime(path, (number, number))
        made.append(path)
    assert [path.exists() for path in made] == [False, False, True, True, True]
    assert house.engine.forgotten == [path.parent.name for path in made[:2]]


def test_a_second_build_waits_and_says_for_whom(tmp_path: Path) -> None:
    said: list[str] = []
    waiting = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        waiting.set()

    def second() -> None:
        with only_one(tmp_path / "lock", say):
            said.append("second builds")

    with (tmp_path / "lock").open("w") as first:
        first.write("4711")
        first.flush()
        fcntl.flock(first, fcntl.LOCK_EX)
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        assert said == ["waiting for process 4711, which is building images"]
    thread.join()
    assert said[-1] == "second builds"


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"SPECTRA_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/c/images"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/spectra/images"),
        ({"HOME": "/h"}, "/h/.cache/spectra/images"),
    ],
)
def test_the_cache_is_outside_the_tree(env: dict[str, str], folder: str) -> None:
    assert cache_folder(env) == Path(folder)


def test_build_reports_to_people_and_prints_paths_only_when_asked(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "_builder", house.builder)
    path = str(house.builder().archive(AGENT))
    assert command_line.main(["build", "agent"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert path in said.err
    assert "1 image(s) ready" in said.err
    assert command_line.main(["build", "agent", "--print"]) == 0
    assert capsys.readouterr().out == f"{path}\n"


def test_path_prints_where_the_archives_would_be_and_builds_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "_builder", house.builder)
    assert command_line.main(["path", "foundation"]) == 0
    assert capsys.readouterr().out == f"{house.builder().archive(FOUNDATION)}\n"
    assert house.built() == []


def test_an_error_is_one_line_and_exit_code_1(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> Builder:
        raise ImagesError("no tool")

    monkeypatch.setattr(command_line, "_builder", fails)
    assert command_line.main(["build", "agent"]) == 1
    assert capsys.readouterr().err == "error: no tool\n"
