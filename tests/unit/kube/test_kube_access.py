"""Where the cluster is and who we are."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.clock import FakeClock
from spectra_operator.kube.access import AccessError, FileToken, in_cluster_access, load_access
from spectra_operator.kube.kubeconfig import read_context


def _write(path: Path, *, cluster: dict[str, Any], user: dict[str, Any], **more: Any) -> Path:
    document = {
        "current-context": "first",
        "contexts": [
            {"name": "first", "context": {"cluster": "c", "user": "u", "namespace": "team"}},
            {"name": "bare", "context": {"cluster": "c"}},
            {"name": "broken", "context": {"cluster": "nowhere", "user": "u"}},
        ],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    } | more
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PLAIN = {"server": "http://127.0.0.1:8001/"}


def test_the_current_context_gives_server_namespace_and_token(tmp_path: Path) -> None:
    access = load_access(str(_write(tmp_path / "k", cluster=PLAIN, user={"token": "secret"})))
    assert (access.server, access.namespace, access.token()) == (
        "http://127.0.0.1:8001",
        "team",
        "secret",
    )
    assert access.ssl_context is None


def test_a_given_context_goes_before_the_current_one(tmp_path: Path) -> None:
    path = _write(tmp_path / "k", cluster=PLAIN, user={"token": "secret"})
    access = load_access(str(path), "bare")
    assert (access.namespace, access.token()) == ("default", None)


def test_certificates_are_read_from_data_and_from_files_beside_the_kubeconfig(
    tmp_path: Path,
) -> None:
    (tmp_path / "ca.pem").write_text("CA", encoding="utf-8")
    cluster = {"server": "https://x", "certificate-authority": "ca.pem"}
    user = {"client-certificate-data": _encoded("CERT"), "client-key-data": _encoded("KEY")}
    fields = read_context(_write(tmp_path / "k", cluster=cluster, user=user), None)
    assert (fields.ca, fields.certificate, fields.key) == (b"CA", b"CERT", b"KEY")


def test_secrets_do_not_show_when_the_fields_are_printed(tmp_path: Path) -> None:
    user = {"token": "hush", "client-key-data": _encoded("HUSHKEY")}
    fields = read_context(_write(tmp_path / "k", cluster=PLAIN, user=user), None)
    assert "hush" not in repr(fields).lower()


@pytest.mark.parametrize(
    ("cluster", "user", "context", "complaint"),
    [
        (PLAIN, {"exec": {"command": "aws"}}, None, "user.exec is not supported"),
        (PLAIN, {"username": "bob"}, None, "user.username is not supported"),
        (PLAIN | {"proxy-url": "http://p"}, {}, None, "cluster.proxy-url is not supported"),
        (PLAIN, {}, "other", "contexts has no entry named 'other'"),
        (PLAIN, {}, "broken", "clusters has no entry named 'nowhere'"),
        ({}, {}, None, r"clusters\[c\].server is not"),
        (PLAIN, {"client-key-data": "%%"}, None, "client-key-data is not base64"),
        (PLAIN, {"client-key": "none.pem"}, None, "client-key: none.pem: No such file"),
        (PLAIN, {"tokenFile": "none"}, None, "no token in it"),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path,
    cluster: dict[str, Any],
    user: dict[str, Any],
    context: str | None,
    complaint: str,
) -> None:
    path = _write(tmp_path / "k", cluster=cluster, user=user)
    with pytest.raises(AccessError, match=complaint):
        load_access(str(path), context)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("[1, 2]", "expected a mapping"), ("{", "not YAML"), ("{}", "no current-context")],
)
def test_a_file_that_is_no_kubeconfig_is_refused(
    tmp_path: Path, content: str, complaint: str
) -> None:
    (tmp_path / "k").write_text(content, encoding="utf-8")
    with pytest.raises(AccessError, match=complaint):
        load_access(str(tmp_path / "k"))


def test_bad_certificates_are_refused_with_the_server_named(tmp_path: Path) -> None:
    cluster = {"server": "https://x", "certificate-authority-data": _encoded("no PEM")}
    path = _write(tmp_path / "k", cluster=cluster, user={})
    with pytest.raises(AccessError, match="certificates for https://x"):
        load_access(str(path))


def test_places_are_searched_in_order(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    home = _write(tmp_path / ".kube" / "config", cluster={"server": "http://home"}, user={})
    named = _write(tmp_path / "named", cluster={"server": "http://named"}, user={})
    given = _write(tmp_path / "given", cluster={"server": "http://given"}, user={})
    env = {"HOME": str(home.parent.parent), "KUBECONFIG": str(named)}
    assert load_access(str(given), environ=env).server == "http://given"
    assert load_access(environ=env).server == "http://named"
    del env["KUBECONFIG"]
    assert load_access(environ=env).server == "http://home"


def test_nothing_anywhere_is_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="give the path of a kubeconfig"):
        load_access(environ={"HOME": str(tmp_path)})


def test_in_a_pod_a_missing_ca_is_named(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match=r"ca\.crt"):
        in_cluster_access({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, directory=tmp_path)


def test_outside_of_a_pod_there_is_no_in_cluster_access(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="KUBERNETES_SERVICE_HOST is not set"):
        in_cluster_access({}, directory=tmp_path)


def test_a_renewed_token_is_picked_up_within_a_minute(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "token"
    path.write_text("old\n", encoding="utf-8")
    token = FileToken(path, clock)
    path.write_text("new\n", encoding="utf-8")
    clock.advance(59.9)
    assert token() == "old"
    clock.advance(0.1)
    assert token() == "new"


def test_an_unreadable_token_leaves_the_last_good_one_in_use(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "token"
    path.write_text("good", encoding="utf-8")
    token = FileToken(path, clock)
    path.unlink()
    clock.advance(61)
    assert token() == "good"
    path.write_text("", encoding="utf-8")
    clock.advance(61)
    assert token() == "good"
