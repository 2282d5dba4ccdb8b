from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from checks import cli, files, generated, kinds
from checks import repository as repo

CRD = """\
# Generated.
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: agents.spectra.dev
spec:
  description: as in {{ this }}
"""


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scratch folder of generated files, and a repository with the same ones beside it."""
    root, scratch = tmp_path / "root", tmp_path / "fresh"
    for folder in (root, scratch):
        (folder / "crds").mkdir(parents=True)
        (folder / "crds" / "agents.yaml").write_text("same")
    monkeypatch.setattr(repo, "ROOT", root)
    return scratch


def test_a_crd_becomes_an_optional_template_that_keeps_its_text() -> None:
    text = generated.chart_crd(CRD)

    assert text.startswith("{{- if .Values.crds.enabled }}\n# Generated.\n")
    assert text.endswith("{{- end }}\n")
    assert "  name: agents.spectra.dev\n  annotations:\n    helm.sh/resource-policy: keep" in text
    assert 'as in {{ "{{" }} this }}' in text


def test_plain_objects_lose_what_only_helm_understands() -> None:
    helms = {"helm.sh/chart": "x", "app.kubernetes.io/managed-by": "Helm"}
    template = {"metadata": {"labels": {"a": "b"} | helms}, "spec": {}}
    body = {
        "kind": "Deployment",
        "metadata": {"labels": helms, "annotations": {"own": "kept"}},
        "spec": {"template": template},
    }

    assert generated.plain(body) == {
        "kind": "Deployment",
        "metadata": {"annotations": {"own": "kept"}},
        "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": {}}},
    }
    assert body["metadata"]["labels"] == helms  # type: ignore[index]


def test_files_as_generated_are_no_difference(fresh: Path) -> None:
    assert generated.differing(fresh) == []


def test_changed_missing_and_left_over_files_are_differences(fresh: Path) -> None:
    (repo.ROOT / "crds" / "agents.yaml").write_text("edited by hand")
    (repo.ROOT / "crds" / "old.yaml").write_text("of a kind that is gone")
    (fresh / "crds" / "new.yaml").write_text("of a new kind")

    found = generated.differing(fresh)

    assert found == [Path("crds/agents.yaml"), Path("crds/new.yaml"), Path("crds/old.yaml")]


def test_a_stale_file_is_named_with_the_way_to_renew_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(generated, "differing", lambda _: [Path("crds/agents.yaml")])

    (problem,) = cli.check_generated()

    assert problem.startswith("crds/agents.yaml: ")
    assert "make generate" in problem


def test_a_crd_becomes_a_strict_schema_of_its_kind() -> None:
    crd = yaml.safe_load((repo.ROOT / "crds" / "workflows.yaml").read_text())

    ((name, schema),) = kinds.crd_schemas(crd)

    assert name == "workflow-spectra-v1alpha1.json"
    assert schema["properties"]["apiVersion"] == {"enum": ["spectra.dev/v1alpha1"]}
    assert schema["properties"]["kind"] == {"enum": ["Workflow"]}
    assert {"apiVersion", "kind", "metadata"} <= {*schema["required"]}
    assert schema["properties"]["spec"]["additionalProperties"] is False
    assert "x-kubernetes" not in json.dumps(schema)


def test_a_version_that_is_not_served_has_no_schema() -> None:
    names = {"kind": "Thing"}
    crd = {"spec": {"group": "g.dev", "names": names, "versions": [{"served": False}]}}
    assert list(kinds.crd_schemas(crd)) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("see /srv/checkout/docs", "the checkout's own path /srv/checkout"),
        ("in /home/" + "alice/x", "the path /home/" + "alice/"),
        ("in /root/" + ".cache/x", "the path /root/" + ".cache"),
        ("from https://mirror.example/simple", "the registry mirror.example"),
        ("--index-" + "url https://x", "an index option; `make lock` writes none"),
    ],
)
def test_a_path_of_a_machine_or_a_registry_is_found(text: str, what: str) -> None:
    assert files.problems_in(text, "/srv/checkout", {"mirror.example"}) == [what]


@pytest.mark.parametrize("text", ["/tmp/x and /home/a/x", "docker.io/local/app", "--index 3"])
def test_ordinary_text_is_no_problem(text: str) -> None:
    assert files.problems_in(text, "/srv/checkout", files.registry_hosts({})) == []


def test_registries_set_on_this_machine_are_known_by_their_host_names_alone() -> None:
    environ = {
        "PIP_INDEX_URL": "https://user:word@pip.example:8443/simple",
        "GOPROXY": "https://go.example,direct",
        "PIP_FIND_LINKS": "/wheels http://localhost/x",
    }

    added = files.registry_hosts(environ) - files.registry_hosts({})

    assert added == {"pip.example", "go.example"}


def test_operator_must_not_become_a_package(fresh: Path) -> None:
    assert files.check_source_root() == []
    (repo.ROOT / "operator").mkdir()
    (repo.ROOT / "operator" / "__init__.py").touch()
    (problem,) = files.check_source_root()
    assert problem.startswith("operator/__init__.py")


def test_long_files_are_reported_longest_first() -> None:
    lines = {Path("a"): 301, Path("b"): 300, Path("c"): 900}
    assert files.long_files(lines) == ["c: 900 lines", "a: 301 lines"]


def test_the_exit_code_tells_whether_a_check_found_something(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "CHECKS", {"good": list, "bad": lambda: ["x.yaml: is wrong"]})

    assert cli.main(["good"]) == 0
    assert cli.main(["bad"]) == 1
    assert cli.main(["all"]) == 1
    assert "  x.yaml: is wrong\n" in capsys.readouterr().out


def test_a_check_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["spelling"]) == 2
    assert "generated" in capsys.readouterr().out


def test_a_check_that_cannot_run_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> list[str]:
        raise repo.CheckError("helm is broken")

    monkeypatch.setattr(cli, "CHECKS", {"chart": broken})

    assert cli.main(["chart"]) == 1
    assert "helm is broken" in capsys.readouterr().err
