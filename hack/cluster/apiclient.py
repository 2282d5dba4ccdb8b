"""A few plain requests to an API server, with the credentials of a kubeconfig.

Standard library alone and no proxies: the address is on this machine.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from cluster.errors import ClusterError

TIMEOUT_SECONDS = 5.0
NOT_FOUND = 404
CONFLICT = 409


class ApiClient:
    """Talks to one API server over one kept connection; not for concurrent use."""

    def __init__(self, kubeconfig: Path) -> None:
        body = yaml.safe_load(kubeconfig.read_text())
        cluster = body["clusters"][0]["cluster"]
        self._context = _tls_context(cluster, body["users"][0]["user"])
        self._address = urlsplit(cluster["server"])
        self._connection: http.client.HTTPSConnection | None = None

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Send one request and return the status code and the body.

        Raises:
            OSError: The server can't be reached.
        """
        if self._connection is None:
            self._connection = self._connect(TIMEOUT_SECONDS)
        payload = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, payload, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise OSError(str(error)) from error

    def get(self, path: str) -> Any | None:
        """Return the JSON at ``path``, or None when the server says anything but 200."""
        status, content = self.request("GET", path)
        return json.loads(content) if status == http.client.OK else None

    def answers(self, path: str) -> bool:
        """Tell whether a GET of ``path`` gives 200; False also when nothing listens."""
        try:
            return self.request("GET", path)[0] == http.client.OK
        except OSError:
            return False

    def create(self, path: str, body: Any) -> None:
        """Create an object; one that exists already is left as it is.

        Raises:
            ClusterError: The server refused it.
        """
        answer = self.request("POST", path, body)
        _check(f"creating {body['kind']} {body['metadata']['name']}", answer, CONFLICT)

    def replace(self, path: str, body: Any) -> bool:
        """Replace an object, and tell whether it was as the body's version says until now.

        Raises:
            ClusterError: The server refused it.
        """
        answer = self.request("PUT", path, body)
        _check(f"replacing {path}", answer, CONFLICT, NOT_FOUND)
        return answer[0] == http.client.OK

    def delete(self, path: str) -> None:
        """Ask for an object's deletion; one that is gone is well.

        Raises:
            ClusterError: The server refused it.
        """
        _check(f"deleting {path}", self.request("DELETE", path), NOT_FOUND)

    def watch(self, path: str, seconds: float) -> Generator[Any, None, None]:
        """Yield a watch's events as decoded JSON until it ends, over a connection of its own.

        Args:
            path: The collection, with the query of a watch.
            seconds: How long the server keeps the watch open.

        Raises:
            OSError: The server can't be reached, refuses the watch, or sends half an event.
        """
        connection = self._connect(TIMEOUT_SECONDS)
        try:
            connection.connect()
            connection.sock.settimeout(seconds + TIMEOUT_SECONDS)
            connection.request("GET", path)
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise OSError(f"the watch gave HTTP {response.status}")
            while line := response.readline():
                yield json.loads(line)
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"the watch broke: {error!r}") from error
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connect(self, seconds: float) -> http.client.HTTPSConnection:
        host = self._address.hostname or ""
        port = self._address.port
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=self._context)


def _check(what: str, answer: tuple[int, bytes], *well: int) -> None:
    status, content = answer
    if status >= http.client.BAD_REQUEST and status not in well:
        text = content.decode(errors="replace")[:400]
        raise ClusterError(f"{what} gave HTTP {status}: {text}")


def _tls_context(cluster: dict[str, str], user: dict[str, str]) -> ssl.SSLContext:
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    pem = base64.b64decode(user["client-certificate-data"])
    with tempfile.NamedTemporaryFile() as pair:
        pair.write(pem + b"\n" + base64.b64decode(user["client-key-data"]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context
