"""The command line, and the programs it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import cli, commands, packages
from cluster.console import Console
from cluster.errors import ClusterError, MissingProgram


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPECTRA_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SPECTRA_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_the_kubeconfigs_path_is_the_only_output(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["kubeconfig", "--name", "demo"]) == 0

    assert capsys.readouterr().out == f"{folders}/state/clusters/demo/kubeconfig\n"


@pytest.mark.parametrize("name", ["", "Demo", "a_b", "-a", "a-", "a/b", "a" * 21])
def test_a_name_that_is_no_label_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["kubeconfig", f"--name={name}"])

    assert "is no cluster name" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["-1", "5001", "many"])
def test_a_number_of_fake_nodes_out_of_bounds_is_refused(count: str) -> None:
    with pytest.raises(SystemExit):
        cli.main(["up", f"--kwok-nodes={count}"])


@pytest.mark.parametrize("text", ["1000", "2-1", "a-b", "-1-1"])
def test_durations_of_fake_pods_that_are_no_span_are_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["up", f"--kwok-milliseconds={text}"])

    assert "is not LEAST-MOST, such as 500-1500" in capsys.readouterr().err


def test_every_command_has_a_help_text(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ("up", "down", "status", "load-image", "addon", "logs", "build", "path", "schemas")
    for command in commands:
        with pytest.raises(SystemExit) as done:
            cli.main([command, "--help"])
        assert done.value.code == 0
        assert "--provider" in capsys.readouterr().out


def test_an_error_of_ours_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["logs", "etcd", "--name", "demo"]) == 1

    assert capsys.readouterr().err == "error: no log of 'etcd'; there are: none\n"


def test_logs_of_a_component_are_printed(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = folders / "state" / "clusters" / "demo" / "logs"
    logs.mkdir(parents=True)
    (logs / "etcd.log").write_text("started\n")

    assert cli.main(["logs", "etcd", "--name", "demo"]) == 0

    assert capsys.readouterr().out == "started\n"


def test_the_status_of_no_cluster_is_not_ready(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--name", "demo", "--provider", "local"]) == 1

    assert capsys.readouterr().out == "no such cluster\n"


def test_a_refused_context_is_told_and_nothing_is_left(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["up", "--name", "demo", "--provider", "existing", "--context", "production"]

    assert cli.main(command) == 1

    assert "not on the allow-list" in capsys.readouterr().err
    assert not (folders / "state").exists()


def test_a_failed_program_is_told_with_its_words() -> None:
    with pytest.raises(ClusterError, match="sh -c echo no rights >&2; exit 3 failed: no rights"):
        commands.run(["sh", "-c", "echo no rights >&2; exit 3"])


def test_a_program_that_is_not_there_did_not_work() -> None:
    assert commands.attempt(["/no/such/program"]).code == 127


def test_each_missing_package_is_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find", lambda _: None)

    assert packages.missing() == sorted(set(packages.NEEDED.values()))


def test_nothing_is_installed_when_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing", list)
    monkeypatch.setattr(packages, "find", lambda _: pytest.fail("looked for apt-get"))

    packages.ensure(Console())


def test_without_apt_the_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find", lambda _: None)

    with pytest.raises(MissingProgram, match=r"containerd.*iptables"):
        packages.ensure(Console())


def test_a_failed_installation_shows_the_exact_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\necho no network; exit 1\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(packages, "missing", lambda: ["runc"])

    with pytest.raises(MissingProgram, match=r"run as root: apt-get .*install.* runc"):
        packages.ensure(Console())
