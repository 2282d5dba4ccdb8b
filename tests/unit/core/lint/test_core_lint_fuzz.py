"""Whatever a manifest holds, the linter and the webhook's review say something and never break."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from builders.corpus import committed
from kubectl_spectra.manifests import load
from spectra_operator.api.crds import KINDS
from spectra_operator.core.lint.findings import Manifest
from spectra_operator.core.lint.lint import lint
from spectra_operator.core.spec.review import review

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["${", "${a", "${parameters.n}", "$${", "${[1][0]}", "a-b", "10%", "1Gi"])
)
WORDS = (
    "name agent tasks phases dependsOn input forEach matrix count when outputs rule retry rules "
    "fallback parameters value type pattern workspace templateRef spec metadata finally"
)
FIELDS = st.sampled_from(sorted(WORDS.split())) | st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=20,
)
KIND_NAMES = st.sampled_from([kind.kind for kind in KINDS])
BODIES = [
    manifest.body
    for bad in committed()
    if not bad.name.startswith("yaml-")
    for manifest in load(bad.name, bad.content).manifests
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    below: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        below = list(value.items())
    elif isinstance(value, list):
        below = list(enumerate(value))
    for key, item in below:
        found.extend(places(item, (*path, key)))
    return found


def changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    made = copy.deepcopy(body)
    around = made
    for step in path[:-1]:
        around = around[step]
    around[path[-1]] = value
    return made


@settings(max_examples=150, deadline=None)
@given(KIND_NAMES, ANYTHING)
def test_any_spec_gets_an_answer(kind: str, spec: Any) -> None:
    body = {
        "apiVersion": "spectra.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "x"},
        "spec": spec,
    }
    for finding in lint([Manifest("f", body)]):
        assert finding.message
    review(kind, spec)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_change_of_a_wrong_manifest_gets_an_answer(data: st.DataObject) -> None:
    body = data.draw(st.sampled_from(BODIES))
    path = data.draw(st.sampled_from(places(body)))
    made = changed(body, path, data.draw(ANYTHING))

    findings = lint([Manifest("f", made), Manifest("g", body)])

    assert findings
    assert all(finding.message and finding.reason for finding in findings)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_found(content: bytes) -> None:
    loaded = load("f.yaml", content)

    lint(loaded.manifests)

    assert all(finding.message for finding in loaded.findings)
