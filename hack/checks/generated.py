"""The generated files: CRDs, manifests, the OpenAPI document, rules, dashboards, reference pages.

All are made in a scratch folder first; `make generate` copies them from there and `make check`
compares them, so both walk the same path.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from checks import overlays, values_table
from checks import repository as repo
from monitoring.dashboards import DASHBOARDS
from monitoring.dashboards import render as render_dashboard
from monitoring.reference import metrics_page
from monitoring.rules import rules_file
from spectra_operator.api.export import render
from spectra_operator.dispatch import openapi
from website import reference

Body = dict[str, Any]

HEADER = "# Generated from helm/spectra-operator by `make generate`. Do not edit.\n"
CHART_CRDS = repo.CHART / "templates" / "crds"
BASE = repo.MANIFESTS / "base"
OPENAPI = Path("docs/openapi")
VALUES = repo.CHART / "ci"
OVERLAYS = repo.MANIFESTS / "overlays"
AGENTS = repo.MANIFESTS / "agents"
RULES = repo.CHART / "files/rules"
BOARDS = repo.CHART / "files/dashboards"
REFERENCE = Path("docs/reference")
OWNED = dict.fromkeys(
    (repo.CRDS, CHART_CRDS, BASE, repo.MANIFESTS, OPENAPI, OVERLAYS, AGENTS, RULES), "*.yaml"
) | {
    OVERLAYS: "*/*.yaml",
    repo.DOCS: "values.md",
    BOARDS: "*.json",
    REFERENCE: "*.md",
}
"""Folders in which every file that matches is generated; others there are left-overs."""

_RBAC = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ServiceAccount")
_ADMISSION = (
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
)
_FILE_OF_KIND = (
    {"CustomResourceDefinition": "crds", "Namespace": "namespace"}
    | dict.fromkeys(_RBAC, "rbac")
    | dict.fromkeys(_ADMISSION, "admission")
    | {"NetworkPolicy": "network"}
    | dict.fromkeys(("FlowSchema", "PriorityLevelConfiguration"), "flowcontrol")
)
_METADATA = """\
  annotations:
    helm.sh/resource-policy: keep
  labels:
    {{- include "spectra.labels" . | nindent 4 }}
"""


def chart_crd(text: str) -> str:
    """Return a CRD as a template of the chart: optional, and kept when the release goes."""
    escaped = text.replace("{{", '{{ "{{" }}')
    head, name, rest = escaped.partition("metadata:\n")
    first_line, _, rest = rest.partition("\n")
    body = f"{head}{name}{first_line}\n{_METADATA}{rest}"
    return "{{- if .Values.crds.enabled }}\n" + body + "{{- end }}\n"


def plain(body: Body) -> Body:
    """Return an object of the chart without what only Helm understands."""
    clean = dict(body)
    meta = clean["metadata"] = dict(body["metadata"])
    for field in ("labels", "annotations"):
        kept = {k: v for k, v in (meta.get(field) or {}).items() if not _is_helms(k, v)}
        meta[field] = kept
        if not kept:
            del meta[field]
    template = (body.get("spec") or {}).get("template")
    if template:
        clean["spec"] = {**body["spec"], "template": plain(template)}
    return clean


def plain_objects(bodies: Iterable[Body]) -> list[Body]:
    """Return what of the chart is applied without Helm: no hooks, nothing that only Helm reads."""
    return [plain(body) for body in bodies if not is_hook(body)]


def manifest_files(bodies: Iterable[Body]) -> dict[Path, str]:
    """Return the kustomize base, by kind of object, and everything in one file."""
    groups: dict[str, list[Body]] = {"namespace": [_namespace()], "crds": [], "rbac": []}
    for body in plain_objects(bodies):
        groups.setdefault(_FILE_OF_KIND.get(body["kind"], "operator"), []).append(body)
    files = {BASE / f"{name}.yaml": dump(group) for name, group in groups.items()}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [path.name for path in files],
    }
    everything = [body for group in groups.values() for body in group]
    files[BASE / "kustomization.yaml"] = dump([kustomization])
    files[repo.MANIFESTS / "install.yaml"] = dump(everything)
    return files


def overlay_files(chart: Path) -> dict[Path, str]:
    """Return the overlays, and the policy for the namespaces of agents.

    Raises:
        CheckError: Helm refused the chart.
    """
    base = plain_objects(rendered(chart, "manifests"))
    files = {
        OVERLAYS / name / f"{file}.yaml": dump(bodies)
        for name in overlays.OVERLAYS
        for file, bodies in overlays.overlay(
            base, plain_objects(rendered(chart, "manifests", name))
        ).items()
    }
    place = "any"
    named = template(chart, f"--set=networkPolicy.agents.namespaces={{{place}}}")
    policy = overlays.agents_policy(loaded(named), place)
    return files | {AGENTS / "networkpolicy.yaml": dump([plain(policy)])}


def rendered(chart: Path, *names: str) -> list[Body]:
    """Return the chart's objects with files of values from its folder `ci`, the last one first.

    Raises:
        CheckError: Helm refused the chart.
    """
    options = [f"--values={chart / 'ci' / name}.yaml" for name in names]
    return loaded(template(chart, *options))


def loaded(text: str) -> list[Body]:
    """Return the objects of a YAML text; in C, as CRDs take Python seconds."""
    return [body for body in yaml.load_all(text, Loader=yaml.CSafeLoader) if body]


def dump(bodies: Iterable[Body]) -> str:
    """Return objects as one YAML text that says where it comes from."""
    return HEADER + "---\n".join(yaml.safe_dump(b, sort_keys=False, width=100) for b in bodies)


@contextmanager
def produced() -> Iterator[Path]:
    """Make all generated files in a scratch folder, which lasts as long as the context.

    Raises:
        CheckError: Helm refused the chart.
        ClusterError: Helm could not be built.
    """
    with tempfile.TemporaryDirectory(prefix="spectra-generate-") as name:
        target = Path(name)
        chart = target / repo.CHART
        shutil.copytree(repo.ROOT / repo.CHART, chart)
        shutil.rmtree(target / CHART_CRDS, ignore_errors=True)
        for file, text in render().items():
            _write(target / repo.CRDS / file, text)
            _write(target / CHART_CRDS / file, chart_crd(text))
        _write(target / OPENAPI / "worker-api.yaml", openapi.text())
        _write(target / RULES / "operator.yaml", rules_file())
        for file, text in reference.pages().items():
            _write(target / REFERENCE / file, text)
        _write(target / REFERENCE / "metrics.md", metrics_page())
        for found in DASHBOARDS:
            _write(target / BOARDS / found.file, render_dashboard(found, DASHBOARDS))
        values = (chart / "values.yaml").read_text()
        _write(target / repo.DOCS / "values.md", values_table.document(values))
        files = manifest_files(rendered(chart, "manifests")) | overlay_files(chart)
        for path, text in files.items():
            _write(target / path, text)
        yield target


def template(chart: Path, *options: str) -> str:
    """Return what Helm makes of a chart, with its defaults unless options say otherwise.

    Raises:
        CheckError: Helm refused the chart.
    """
    names = [repo.RELEASE, str(chart), "--namespace", repo.NAMESPACE]
    return repo.run([repo.binary("helm"), "template", *names, *options])


def generated_paths(root: Path) -> set[Path]:
    """Return the generated files under a root, relative to it."""
    return {
        path.relative_to(root)
        for folder, pattern in OWNED.items()
        for path in (root / folder).glob(pattern)
    }


def generate() -> list[Path]:
    """Write the generated files that differ and remove left-overs; return what changed."""
    with produced() as fresh:
        changed = differing(fresh)
        for path in changed:
            source = fresh / path
            if source.exists():
                _write(repo.ROOT / path, source.read_text())
            else:
                (repo.ROOT / path).unlink()
        return changed


def differing(fresh: Path) -> list[Path]:
    """Return the generated files of the repository that are not as in `fresh`."""
    paths = generated_paths(fresh) | generated_paths(repo.ROOT)
    return sorted(path for path in paths if _text(fresh / path) != _text(repo.ROOT / path))


def is_hook(body: Body) -> bool:
    """Whether an object is made by Helm at a moment of its own, and is no part of the release."""
    return "helm.sh/hook" in (body["metadata"].get("annotations") or {})


def _namespace() -> Body:
    labels = {
        "app.kubernetes.io/name": "spectra-operator",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    metadata = {"name": repo.NAMESPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _is_helms(key: str, value: str) -> bool:
    return key.startswith("helm.sh/") or (key, value) == ("app.kubernetes.io/managed-by", "Helm")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
