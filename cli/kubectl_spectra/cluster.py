"""The API server, through the official client: dict bodies, and errors as sentences."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.config.incluster_config import SERVICE_HOST_ENV_NAME
from urllib3 import HTTPHeaderDict

from spectra_operator.api.constants import GROUP

from .errors import NotFound, Refused, Unreachable
from .kinds import Kind
from .refusals import refusal

Body = dict[str, Any]

MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
MANAGER = "kubectl-spectra"
_OURS = (("fieldManager", MANAGER),)
_STRICT = ("fieldValidation", "Strict")
"""A misspelt field is refused; the API server would drop it, and run something else."""
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(slots=True)
class Access:
    """Where the cluster is and who asks: what kubectl's own options of these names say."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    as_user: str | None = None
    as_groups: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Call:
    """A request, and what it is about; `seconds` without a byte of the answer end it."""

    method: str
    path: str
    what: str
    query: tuple[tuple[str, str], ...] = ()
    body: Body | None = None
    content: str = "application/json"
    seconds: float | None = _READ_SECONDS


class _Client(client.ApiClient):
    """Sends groups to act as: a header that comes several times, which a dict cannot hold."""

    groups: tuple[str, ...] = ()

    def call_api(
        self,
        method: str,
        url: str,
        header_params: Mapping[str, str] | None = None,
        *rest: Any,
        **more: Any,
    ) -> Any:
        headers = HTTPHeaderDict(header_params or {})
        for group in self.groups:
            headers.add("Impersonate-Group", group)
        return super().call_api(method, url, headers, *rest, **more)


class Cluster:
    """One API server, as one user, with a namespace that is meant if none is named.

    Raises:
        Unreachable: It does not answer, or no configuration says where it is.
        NotFound: The object or its kind does not exist.
        Exists: The object is there already.
        Refused: The user may not, or the object is not valid.
    """

    def __init__(self, access: Access) -> None:
        self._access = access

    @cached_property
    def namespace(self) -> str:
        """The namespace in use: the one asked for, else the context's own."""
        return self._access.namespace or self._settings[1]

    def get(self, kind: Kind, name: str, namespace: str = "") -> Body:
        """Return one object."""
        namespace = namespace or self.namespace
        what = f"{kind.title(name)} in namespace {namespace}"
        return self._json(_Call("GET", kind.path(namespace, name), what))

    def find(
        self, kind: Kind, *, labels: str = "", fields: str = "", everywhere: bool = False
    ) -> Body:
        """Return a list object with `items`, of all namespaces if asked for."""
        query = (("labelSelector", labels), ("fieldSelector", fields))
        path = kind.path(None if everywhere else self.namespace)
        return self._json(_Call("GET", path, kind.plural, tuple(q for q in query if q[1])))

    def create(self, kind: Kind, body: Body) -> Body:
        """Create an object and return it."""
        return self._json(self._creation(kind, body))

    def try_create(self, kind: Kind, body: Body) -> None:
        """Let the API server check an object as if it were created, without creating it."""
        call = self._creation(kind, body)
        self._json(replace(call, query=(*call.query, ("dryRun", "All"))))

    def _creation(self, kind: Kind, body: Body) -> _Call:
        meta = body["metadata"]
        what = kind.title(meta.get("name") or meta.get("generateName", ""))
        return _Call("POST", kind.path(self.namespace), what, (*_OURS, _STRICT), body)

    def apply(self, kind: Kind, body: Body) -> str:
        """Apply an object server-side; return created, configured or unchanged.

        Fields of our own kinds are taken over from other managers, those of others are not.
        """
        name = body["metadata"]["name"]
        before, path = self._version(kind, name), kind.path(self.namespace, name)
        query = (*_OURS, _STRICT, *((("force", "true"),) if kind.group == GROUP else ()))
        after = self._json(_Call("PATCH", path, kind.title(name), query, body, APPLY))
        if before is None:
            return "created"
        return "unchanged" if before == after["metadata"]["resourceVersion"] else "configured"

    def _version(self, kind: Kind, name: str) -> str | None:
        try:
            return str(self.get(kind, name)["metadata"]["resourceVersion"])
        except NotFound:
            return None

    def kind_of(self, api_version: str, name: str) -> Kind:
        """Return a kind by its apiVersion and name, as the API server knows it."""
        group, _, version = api_version.rpartition("/")
        path, what = (
            f"/apis/{api_version}" if group else f"/api/{version}",
            f"{name} of {api_version}",
        )
        try:
            found = self._json(_Call("GET", path, what))["resources"]
        except NotFound:
            found = []
        for each in found:
            if each["kind"] == name and "/" not in each["name"]:
                return Kind(name, each["name"], group, version, each["namespaced"])
        raise NotFound(f"the cluster knows no {what}; install what it belongs to")

    def patch(self, kind: Kind, name: str, body: Body) -> Body:
        """Merge a patch into an object and return it."""
        path = kind.path(self.namespace, name)
        return self._json(_Call("PATCH", path, kind.title(name), _OURS, body, MERGE))

    def check_namespace(self) -> None:
        """See that the namespace in use is there; who may not look is not told.

        Raises:
            NotFound: It does not exist.
        """
        try:
            self._json(_Call("GET", f"/api/v1/namespaces/{self.namespace}", "the namespace"))
        except Refused:
            return
        except NotFound:
            text = f"namespace {self.namespace} does not exist; create it, or give -n"
            raise NotFound(text) from None

    def whoami(self) -> str:
        """Return the user name that the API server knows the caller by."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        answer = self._json(_Call("POST", path, "who you are", body=body))
        return str(answer["status"]["userInfo"]["username"])

    @contextmanager
    def stream(
        self, path: str, query: Mapping[str, str], *, what: str, seconds: float | None = None
    ) -> Iterator[Iterator[str]]:
        """Give the lines of an answer that goes on; `seconds` without a byte end it."""
        call = _Call("GET", path, what, tuple(query.items()), seconds=seconds)
        response = self._send(call).response
        try:
            with _sentences(self._api.configuration.host):
                yield _lines(response)
        finally:
            response.close()
            response.release_conn()

    @cached_property
    def _api(self) -> _Client:
        return self._settings[0]

    @cached_property
    def _settings(self) -> tuple[_Client, str]:
        """The client, and the namespace of the context."""
        # The library's lines about retries would stand between ours.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        settings = client.Configuration()
        namespace = _load(self._access, settings)
        settings.retries = False
        settings.keep_alive = True
        made = _Client(settings)
        made.user_agent = MANAGER
        made.groups = self._access.as_groups
        if self._access.as_user:
            made.default_headers["Impersonate-User"] = self._access.as_user
        return made, namespace

    def _json(self, call: _Call) -> Body:
        answer = self._send(call)
        with _sentences(self._api.configuration.host):
            found: Body = json.loads(answer.read())
        return found

    def _send(self, call: _Call) -> Any:
        api = self._api
        headers = {"Accept": "application/json"}
        if call.body is not None:
            headers["Content-Type"] = call.content
        with _sentences(api.configuration.host):
            request = api.param_serialize(
                call.method,
                call.path,
                query_params=list(call.query),
                header_params=headers,
                body=call.body,
                auth_settings=["BearerToken"],
            )
            answer = api.call_api(*request, _request_timeout=(_CONNECT_SECONDS, call.seconds))
            if not 200 <= answer.status <= 299:
                raise refusal(answer.status, answer.read(), call.what)
        return answer


def _load(access: Access, settings: Any) -> str:
    """Fill in the client's configuration and return the namespace of the context."""
    named = access.kubeconfig or os.environ.get("KUBECONFIG", "")
    file = named or str(Path("~/.kube/config").expanduser())
    try:
        if not named and not Path(file).exists() and os.environ.get(SERVICE_HOST_ENV_NAME):
            config.load_incluster_config(client_configuration=settings)
            return _ACCOUNT.read_text().strip()
        config.load_kube_config(
            file, access.context, client_configuration=settings, persist_config=False
        )
        contexts, current = config.list_kube_config_contexts(file)
    except (config.ConfigException, OSError, ValueError) as error:
        text = f"no usable configuration in {file}: {str(error).strip()}"
        raise Unreachable(f"{text}; set KUBECONFIG, or give --kubeconfig and --context") from None
    chosen = access.context or current["name"]
    found: Body = next((c["context"] for c in contexts if c["name"] == chosen), {})
    return found.get("namespace") or "default"


@contextmanager
def _sentences(host: str) -> Iterator[None]:
    """Turn what the library raises into a sentence about the cluster."""
    try:
        yield
    except (urllib3.exceptions.HTTPError, client.ApiException, OSError) as error:
        why = getattr(error, "reason", None) or error
        text = " ".join(str(why).split())
        raise Unreachable(
            f"the cluster at {host} does not answer: {text}; is it up, and is the context right?"
        ) from None


def _lines(response: Any) -> Iterator[str]:
    """Split a streamed answer into lines; what stands after the last line's end comes too."""
    rest = b""
    for part in response.stream(amt=None, decode_content=True):
        rest += part
        *whole, rest = rest.split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
