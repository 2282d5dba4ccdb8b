"""What the objects of a release are called, whatever the release is called."""

from __future__ import annotations

import pytest

from builders.charts import Body, of_kind
from checks import repository as repo
from checks.generated import loaded

LONGEST_RELEASE = 53
"""Characters of a release's name, by Helm."""
LONGEST = 63
"""Characters of a Service's name and of a Job's, by Kubernetes."""
LONG = ("spectra-" * 7)[:LONGEST_RELEASE], ("team-a-b-" * 6)[:LONGEST_RELEASE]


def release(name: str) -> list[Body]:
    """Return all objects of a release, hooks too."""
    chart = str(repo.ROOT / repo.CHART)
    options = ["--namespace=operators", "--set=crds.enabled=false"]
    return loaded(repo.run([repo.binary("helm"), "template", name, chart, *options]))


@pytest.mark.parametrize(
    ("called", "deployment"),
    [
        ("spectra", "spectra-operator"),
        ("teams", "teams-spectra-operator"),
        # As in 0.1.0: with another name workers would lose the operator in an upgrade.
        ("spectra-operator", "spectra-operator-operator"),
    ],
)
def test_a_releases_objects_keep_the_names_that_they_have_had_since_0_1_0(
    called: str, deployment: str
) -> None:
    bodies = release(called)

    assert [body["metadata"]["name"] for body in of_kind(bodies, "Deployment")] == [deployment]
    for kind in ("Service", "ConfigMap", "Secret", "Job"):
        for body in of_kind(bodies, kind):
            assert body["metadata"]["name"].startswith(f"{deployment}-")


@pytest.mark.parametrize("called", LONG)
def test_the_longest_name_of_a_release_leads_to_names_that_kubernetes_takes(called: str) -> None:
    bodies = release(called)
    names = [b["metadata"]["name"] for kind in ("Service", "Job") for b in of_kind(bodies, kind)]

    assert len(names) == 4
    assert [name for name in names if len(name) > LONGEST or name != name.strip("-")] == []
    assert len(set(names)) == len(names)


def test_a_release_is_named_once_more_by_a_label_that_tells_it_from_others() -> None:
    found = {body["metadata"]["labels"]["app.kubernetes.io/instance"] for body in release(LONG[0])}

    assert found == {LONG[0]}
