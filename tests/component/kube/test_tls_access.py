"""Certificates and tokens, against a server that demands them."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from spectra_operator.kube.access import in_cluster_access, load_access
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.errors import Unreachable
from spectra_operator.kube.resources import PODS


class _Authority:
    """A certificate authority that exists for one test."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
        self._certificate = self._sign(name, name, self._key, is_authority=True)
        self.pem = _pem(self._certificate)

    def issue(self, common_name: str) -> tuple[bytes, bytes]:
        """Return a certificate for the loopback address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
        certificate = self._sign(name, self._certificate.subject, key, is_authority=False)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return _pem(certificate), private

    def _sign(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        is_authority: bool,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        loopback = x509.IPAddress(ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


class _Server:
    """Answers any list with nothing and remembers who asked."""

    def __init__(self) -> None:
        self.callers: list[str] = []
        self.tokens: list[str | None] = []
        self.port = 0

    async def handle(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        certificate = request.transport.get_extra_info("peercert") or {}
        subject: dict[str, Any] = dict(pair[0] for pair in certificate.get("subject", ()))
        self.callers.append(subject.get("commonName", ""))
        self.tokens.append(request.headers.get("Authorization"))
        return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})


@pytest.fixture
def authority() -> _Authority:
    return _Authority()


@pytest.fixture
async def server(authority: _Authority, tmp_path: Path) -> AsyncIterator[_Server]:
    server = _Server()
    certificate, key = authority.issue("api server")
    (tmp_path / "server.pem").write_bytes(certificate + key)
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cadata=authority.pem.decode("ascii")
    )
    context.load_cert_chain(tmp_path / "server.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    app = web.Application()
    app.router.add_get("/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


def _kubeconfig(path: Path, cluster: dict[str, Any], user: dict[str, Any]) -> str:
    document = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "clusters": [{"name": "x", "cluster": cluster}],
        "users": [{"name": "x", "user": user}],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return str(path)


def _data(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


async def test_a_client_certificate_is_shown_to_a_trusted_server(
    server: _Server, authority: _Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("the operator")
    kubeconfig = _kubeconfig(
        tmp_path / "config",
        {
            "server": f"https://127.0.0.1:{server.port}",
            "certificate-authority-data": _data(authority.pem),
        },
        {"client-certificate-data": _data(certificate), "client-key-data": _data(key)},
    )
    async with AiohttpClient(load_access(kubeconfig)) as client:
        assert (await client.list(PODS)).items == []
    assert (server.callers, server.tokens) == (["the operator"], [None])


async def test_an_untrusted_server_gets_nothing(server: _Server, tmp_path: Path) -> None:
    kubeconfig = _kubeconfig(
        tmp_path / "config",
        {
            "server": f"https://127.0.0.1:{server.port}",
            "certificate-authority-data": _data(_Authority().pem),
        },
        {"token": "secret"},
    )
    async with AiohttpClient(load_access(kubeconfig)) as client:
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED") as caught:
            await client.create(PODS, "default", {"metadata": {"name": "a"}})
    assert not caught.value.ambiguous
    assert server.tokens == []


async def test_trust_can_be_waived_on_purpose(server: _Server, tmp_path: Path) -> None:
    kubeconfig = _kubeconfig(
        tmp_path / "config",
        {"server": f"https://127.0.0.1:{server.port}", "insecure-skip-tls-verify": True},
        {"token": "secret"},
    )
    async with AiohttpClient(load_access(kubeconfig)) as client:
        await client.list(PODS)
    assert server.tokens == ["Bearer secret"]


async def test_a_pod_uses_what_is_mounted_into_it(
    server: _Server, authority: _Authority, tmp_path: Path
) -> None:
    mounted = tmp_path / "serviceaccount"
    mounted.mkdir()
    (mounted / "ca.crt").write_bytes(authority.pem)
    (mounted / "token").write_text("mounted-token\n", encoding="utf-8")
    (mounted / "namespace").write_text("spectra-system", encoding="utf-8")
    environ = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(server.port)}
    access = in_cluster_access(environ, directory=mounted)
    assert access.namespace == "spectra-system"
    async with AiohttpClient(access) as client:
        await client.list(PODS)
    assert (server.callers, server.tokens) == ([""], ["Bearer mounted-token"])
