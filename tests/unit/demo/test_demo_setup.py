from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from demo import setup
from demo.board import Board
from demo.cli import content_of
from demo.closing import hop_lines, report_in
from demo.errors import DemoError
from demo.follow import read_workflow
from demo.tools import Tools, run

NAME = "docker.io/local/spectra-operator:dev"
LISTING = f"""\
REF  TYPE  DIGEST  SIZE
{NAME} application/vnd.oci.image.manifest.v1+json sha256:aa 41.1 MiB linux/amd64
broken
"""


def archive(path: Path, digest: str = "sha256:aa") -> Path:
    annotations = {"org.opencontainers.image.ref.name": NAME}
    index = json.dumps({"manifests": [{"digest": digest, "annotations": annotations}]}).encode()
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("index.json")
        entry.size = len(index)
        tar.addfile(entry, io.BytesIO(index))
    return path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Calls of the project's own tools, which are not run; containerd has one image."""
    made: list[tuple[str, ...]] = []
    monkeypatch.setattr(setup, "run_module", lambda *arguments: made.append(arguments))
    monkeypatch.setattr(setup, "run", lambda _: LISTING)
    return made


def tools(socket: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.setattr(Tools, "containerd", socket)
    return Tools("x", "kubectl", "helm", Path("kubeconfig"))


def test_the_images_of_containerd_are_known_by_name_and_digest() -> None:
    assert setup.loaded(LISTING) == {NAME: "sha256:aa"}


def test_an_archive_names_its_image_and_digest(tmp_path: Path) -> None:
    assert setup.named(archive(tmp_path / "a.tar")) == {NAME: "sha256:aa"}


def test_an_archive_of_another_format_names_nothing(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("manifest.json"))
    assert setup.named(tmp_path / "a.tar") == {}


def test_a_broken_archive_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("not an archive")
    with pytest.raises(DemoError, match=r"a\.tar is no image archive"):
        setup.named(tmp_path / "a.tar")


def test_an_image_that_is_loaded_is_not_loaded_again(
    tmp_path: Path, calls: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = setup.load_images(tools(tmp_path, monkeypatch), [archive(tmp_path / "a.tar")])
    assert (count, calls) == (0, [])


def test_an_image_whose_content_differs_is_loaded(
    tmp_path: Path, calls: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = archive(tmp_path / "a.tar", "sha256:bb")

    assert setup.load_images(tools(tmp_path, monkeypatch), [changed]) == 1
    assert calls == [("cluster", "load-image", "--name", "x", str(changed))]


def test_images_are_loaded_when_containerd_cannot_be_asked(
    tmp_path: Path, calls: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [archive(tmp_path / "a.tar")]
    assert setup.load_images(tools(tmp_path / "none", monkeypatch), images) == 1
    assert len(calls) == 1


def test_another_content_of_the_image_is_another_annotation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[tuple[str, ...]] = []
    monkeypatch.setattr(Tools, "run_helm", lambda _, *arguments: given.append(arguments))

    setup.install(Tools("x", "kubectl", "helm", Path("k")), "c0ffee")

    assert '--set-json=podAnnotations={"spectra.dev/image-content": "c0ffee"}' in given[0]


def test_the_content_is_the_folder_of_the_operators_archive() -> None:
    assert content_of([Path("/c/aa/agent.tar"), Path("/c/bb/operator.tar")]) == "bb"
    with pytest.raises(DemoError):
        content_of([Path("/c/aa/agent.tar")])


def test_a_program_that_fails_is_an_error_with_its_words() -> None:
    with pytest.raises(DemoError, match="failed with 3: no such thing"):
        run(["sh", "-c", "echo no such thing >&2; exit 3"])


def test_a_file_without_a_workflow_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("kind: Agent\n---\n")
    with pytest.raises(DemoError, match="holds no Workflow"):
        read_workflow(tmp_path / "x.yaml")


def test_the_report_stands_in_the_status_of_the_review() -> None:
    phase: dict[str, Any] = {
        "status": {"tasks": {"review": {"outputs": json.dumps({"report": "all met"})}}}
    }
    assert report_in([phase]) == "all met"


@pytest.mark.parametrize("phases", [[], [{}], [{}, {}], [{"status": {"tasks": {"review": {}}}}]])
def test_a_missing_report_is_an_error(phases: list[dict[str, Any]]) -> None:
    with pytest.raises(DemoError, match="review has left no report"):
        report_in(phases)


def test_hops_of_earlier_runs_and_of_replicas_that_are_gone_do_not_count() -> None:
    board = Board({"spec": {"phases": []}})

    inside, outside = hop_lines(board, {"a": [0.9], "gone": [0.8]}, {"a": [0.9, 0.010], "b": []})

    assert "p50  10.0 ms   p99  10.0 ms   of  1" in inside
    assert inside.lstrip().startswith("by the operator")
    assert outside.lstrip().startswith("from outside")
    assert "nothing measured" in outside
