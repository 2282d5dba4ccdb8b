"""Objects against their schemas: the chart, the manifests and the examples, by kubeconform."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from checks import repository as repo
from checks.generated import template
from cluster import schemas

_NOT_OBJECTS = ("kustomization.yaml", "patches.yaml")
_FOREIGN = ("Certificate", "Issuer", "PrometheusRule", "ServiceMonitor")
"""Kinds of others, whose schemas are not at hand; tests/unit/chart looks at their fields."""


def crd_schemas(crd: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return file name and strict JSON schema for every served version of a CRD."""
    spec = crd["spec"]
    kind = spec["names"]["kind"]
    for version in spec["versions"]:
        if not version["served"]:
            continue
        schema = schemas.strict(version["schema"]["openAPIV3Schema"])
        schema["required"] = sorted({*schema.get("required", ()), "apiVersion", "kind", "metadata"})
        schema["properties"] |= {
            "apiVersion": {"enum": [f"{spec['group']}/{version['name']}"]},
            "kind": {"enum": [kind]},
            "metadata": {"type": "object"},
        }
        yield schemas.file_name(spec["group"], version["name"], kind), schema


def check_kinds() -> list[str]:
    """Return what kubeconform has against the chart, the manifests and the examples.

    Raises:
        CheckError: Helm refused the chart.
        ClusterError: A tool could not be built.
    """
    with _conform_command() as command:
        files = sorted(
            str(path)
            for folder in ("examples", "manifests")
            for path in (repo.ROOT / folder).rglob("*.yaml")
            if path.name not in _NOT_OBJECTS
        )
        problems = _conform([*command, *files])
        for said, options in chart_variants().items():
            text = template(repo.ROOT / repo.CHART, *options)
            problems += [f"{said}: {line}" for line in _conform([*command, "-"], text)]
        return problems


def chart_variants() -> dict[str, tuple[str, ...]]:
    """Return Helm's options for the defaults and for each file of values, by what they are."""
    files = sorted((repo.ROOT / repo.CHART / "ci").glob("*.yaml"))
    return {"chart": ()} | {f"chart with {f.name}": (f"--values={f}",) for f in files}


@contextmanager
def _conform_command() -> Iterator[list[str]]:
    kubernetes = repo.kubernetes_schemas()
    with tempfile.TemporaryDirectory(prefix="spectra-schemas-") as name:
        for path in (repo.ROOT / repo.CRDS).glob("*.yaml"):
            for file, schema in crd_schemas(yaml.safe_load(path.read_text())):
                (Path(name) / file).write_text(json.dumps(schema))
        yield [
            repo.binary("kubeconform"),
            "-strict",
            "-skip",
            ",".join(_FOREIGN),
            "-kubernetes-version",
            repo.kubernetes_version().removeprefix("v"),
            "-schema-location",
            str(kubernetes),
            "-schema-location",
            name + "/{{ .ResourceKind }}{{ .KindSuffix }}.json",
        ]


def _conform(command: list[str], stdin: str = "") -> list[str]:
    code, output, errors = repo.attempt(command, stdin)
    if not code:
        return []
    said = [line for line in (output + errors).splitlines() if line.strip()]
    return [f"kubeconform: {line}" for line in said] or [f"kubeconform ended with {code}"]
