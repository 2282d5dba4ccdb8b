"""Certificates, and the small API client that uses them, against a real TLS server."""

from __future__ import annotations

import datetime
import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from cluster import config, pki
from cluster.apiclient import ApiClient
from cluster.errors import ClusterError

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pki") / "pki"
    pki.write(made, pki.leaves("demo-node", "10.244.0.1", ("localhost", "127.0.0.1")), NOW)
    return made


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def test_every_leaf_is_signed_by_the_authority(folder: Path) -> None:
    authority = certificate(folder, "ca")

    for leaf in pki.leaves("demo-node", "10.244.0.1", ()):
        certificate(folder, leaf.file).verify_directly_issued_by(authority)


def test_the_kubelet_is_who_the_node_authorizer_expects(folder: Path) -> None:
    names = {entry.value for entry in certificate(folder, "kubelet").subject}

    assert names == {"system:node:demo-node", "system:nodes"}


def test_a_certificate_is_valid_on_a_machine_whose_clock_is_a_little_behind(folder: Path) -> None:
    earliest = certificate(folder, "apiserver").not_valid_before_utc

    assert earliest <= NOW - datetime.timedelta(minutes=59)


def test_keys_are_for_the_owner_alone(folder: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o077 for path in folder.glob("*.key")}

    assert set(modes.values()) == {0}
    assert {"ca.key", "sa.key", "admin.key"} <= set(modes)


def test_each_component_has_a_key_of_its_own(folder: Path) -> None:
    keys = [certificate(folder, name).public_key() for name in ("ca", "admin", "kubelet")]

    points = {key.public_numbers().x for key in keys if isinstance(key, ec.EllipticCurvePublicKey)}
    assert len(points) == 3


class Api(http.server.BaseHTTPRequestHandler):
    """Answers like an API server: one object, one conflict, one refusal."""

    protocol_version = "HTTP/1.1"

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        found = self.path == "/readyz"
        self._reply(200 if found else 404, b'{"kind": "Status"}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._reply({"/new": 201, "/there": 409}.get(self.path, 403), b"no rights")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def server(folder: Path) -> Iterator[http.server.ThreadingHTTPServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.crt"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / "apiserver.crt", folder / "apiserver.key")
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    made.daemon_threads = True
    made.socket = context.wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def client(
    server: http.server.ThreadingHTTPServer, folder: Path, tmp_path: Path
) -> Iterator[ApiClient]:
    credentials = config.Credentials(
        *((folder / name).read_bytes() for name in ("ca.crt", "admin.crt", "admin.key"))
    )
    kubeconfig = tmp_path / "kubeconfig"
    url = f"https://127.0.0.1:{server.server_port}"
    kubeconfig.write_text(config.kubeconfig("demo", url, credentials))
    made = ApiClient(kubeconfig)
    yield made
    made.close()


def test_client_and_server_accept_each_others_certificates(client: ApiClient) -> None:
    assert client.answers("/readyz")
    assert client.get("/readyz") == {"kind": "Status"}


def test_an_object_that_is_not_there_is_none(client: ApiClient) -> None:
    assert client.get("/absent") is None
    assert not client.answers("/absent")


def test_an_object_that_exists_counts_as_created(client: ApiClient) -> None:
    body = {"kind": "Node", "metadata": {"name": "n"}}

    client.create("/new", body)
    client.create("/there", body)


def test_a_refusal_names_the_object_and_the_reason(client: ApiClient) -> None:
    with pytest.raises(ClusterError, match="creating Node n gave HTTP 403: no rights"):
        client.create("/forbidden", {"kind": "Node", "metadata": {"name": "n"}})


def test_a_server_that_is_gone_does_not_answer(client: ApiClient, folder: Path) -> None:
    broken = client
    broken._address = broken._address._replace(netloc="127.0.0.1:1")

    assert not broken.answers("/readyz")
