"""What the tool can build: Go modules, their versions and their binaries.

The versions live in ``gomods/*/go.mod`` and nowhere else; this module reads them there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster.errors import ClusterError

GOMODS = Path(__file__).parent / "gomods"
CACHE_KEY_LENGTH = 8


@dataclass(frozen=True)
class Module:
    """A folder with a go.mod that pins one program or one family of programs.

    Attributes:
        name: The folder under ``gomods``.
        source: The Go module that carries the version, or "" for source kept in the folder.
        binaries: Binary name to Go package.
    """

    name: str
    source: str
    binaries: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder with go.mod."""
        return GOMODS / self.name


KUBERNETES = Module(
    "kubernetes",
    "k8s.io/kubernetes",
    {
        "etcd": "go.etcd.io/etcd/server/v3",
        **{
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in (
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
                "kubectl",
            )
        },
    },
)
HELM = Module("helm", "helm.sh/helm/v3", {"helm": "helm.sh/helm/v3/cmd/helm"})
MODULES = (
    KUBERNETES,
    Module("coredns", "github.com/coredns/coredns", {"coredns": "github.com/coredns/coredns"}),
    HELM,
    Module("kwok", "sigs.k8s.io/kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
    Module(
        "kubeconform",
        "github.com/yannh/kubeconform",
        {"kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform"},
    ),
    Module(
        "actionlint",
        "github.com/rhysd/actionlint",
        {"actionlint": "github.com/rhysd/actionlint/cmd/actionlint"},
    ),
    Module("kind", "sigs.k8s.io/kind", {"kind": "sigs.k8s.io/kind"}),
    Module(
        "metrics-server",
        "sigs.k8s.io/metrics-server",
        {"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
    ),
    Module("otelcol", "go.opentelemetry.io/collector/otelcol", {"otelcol": "."}),
    Module("pause", "", {"pause": "."}),
)
LOCAL_BINARIES = (*KUBERNETES.binaries, "coredns", "pause")
ALL_BINARIES = tuple(name for module in MODULES for name in module.binaries)


def module_of(binary: str) -> Module:
    """Return the module that builds ``binary``.

    Raises:
        ClusterError: The tool builds no such binary.
    """
    for module in MODULES:
        if binary in module.binaries:
            return module
    raise ClusterError(f"unknown binary {binary!r}: choose one of {', '.join(ALL_BINARIES)}")


def pinned_version(go_mod: str, source: str) -> str:
    """Return the version of ``source`` that the text of a go.mod requires.

    Raises:
        ClusterError: The go.mod requires no version of it.
    """
    match = re.search(rf"^(?:require)?\s*{re.escape(source)} (v\S+)", go_mod, re.MULTILINE)
    if match is None:
        raise ClusterError(f"go.mod requires no version of {source}: add a require line")
    return match.group(1)


def version(module: Module) -> str:
    """Return the pinned version of a module, or "v0" for source kept in the tree."""
    if not module.source:
        return "v0"
    return pinned_version((module.folder / "go.mod").read_text(), module.source)


def linker_flags(module: Module) -> str:
    """Return the linker flags: no debug data, and the version of Kubernetes where it is asked for.

    Kubernetes' own programs show it to clients. Helm takes it for the cluster's where it renders
    without one; what is built in is older than any chart of today allows.
    """
    return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in _variables(module))])


def _variables(module: Module) -> Iterator[tuple[str, str]]:
    release = version(KUBERNETES)
    major, minor = release.removeprefix("v").split(".")[:2]
    if module.name == KUBERNETES.name:
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
            yield f"{package}.gitVersion", release
            yield f"{package}.gitMajor", major
            yield f"{package}.gitMinor", minor
    if module.name == HELM.name:
        for package in ("chartutil", "lint/rules"):
            yield f"{HELM.source}/pkg/{package}.k8sVersionMajor", major
            yield f"{HELM.source}/pkg/{package}.k8sVersionMinor", minor


def cache_key(files: Mapping[str, bytes], flags: str, platform: str) -> str:
    """Return a short key that changes when the binaries would: sources, flags or platform."""
    digest = hashlib.sha256(f"{flags}\n{platform}\n".encode())
    for name in sorted(files):
        digest.update(f"{name} {len(files[name])}\n".encode())
        digest.update(files[name])
    return digest.hexdigest()[:CACHE_KEY_LENGTH]


def cache_folder(module: Module, platform: str) -> str:
    """Return the folder name of a module's binaries: name, version and cache key."""
    files = {path.name: path.read_bytes() for path in module.folder.iterdir() if path.is_file()}
    key = cache_key(files, linker_flags(module), platform)
    return f"{module.name}-{version(module)}-{key}"
