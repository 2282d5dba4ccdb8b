"""A page that is written anew: what stood there and is over goes, what others wrote stays."""

from __future__ import annotations

from hypothesis import given

from builders.pages import OPS
from spectra_operator.core.pool.page import Op, Page, apply
from spectra_operator.core.pool.page_text import parse_page, render_page
from spectra_operator.engine.pages import replacement
from spectra_operator.kube.resources import Body
from unit.core.core_settings import steady

OTHERS = {"example.com/note": "kept"}


def a_lease(page: Page) -> Body:
    meta = {
        "name": "worker-1",
        "uid": "u1",
        "resourceVersion": "7",
        "finalizers": ["spectra.dev/result"],
        "labels": {"spectra.dev/agent": "worker"},
        "annotations": render_page(page) | OTHERS,
        "managedFields": [{"manager": "somebody"}],
    }
    return {"metadata": meta, "spec": {"holderIdentity": "one", "leaseDurationSeconds": 20}}


@steady(150)
@given(OPS, OPS)
def test_it_has_the_page_as_it_is_to_be_and_what_others_wrote(
    first: list[Op], then: list[Op]
) -> None:
    before = apply(Page(), first)
    after = apply(before, then)

    written = replacement(a_lease(before), {"holderIdentity": "two"}, before, after)

    assert written["metadata"]["annotations"] == render_page(after) | OTHERS
    assert parse_page(written["metadata"]["annotations"]) == after


@given(OPS)
def test_what_is_no_part_of_the_page_stays_but_who_set_which_field(ops: list[Op]) -> None:
    lease = a_lease(Page())

    written = replacement(lease, {"holderIdentity": "two"}, Page(), apply(Page(), ops))

    assert written["spec"] == {"holderIdentity": "two", "leaseDurationSeconds": 20}
    assert written["metadata"]["managedFields"] == [{}]
    kept = {key: lease["metadata"][key] for key in ("name", "uid", "resourceVersion", "labels")}
    assert written["metadata"] | kept == written["metadata"]
    assert written["metadata"]["finalizers"] == lease["metadata"]["finalizers"]
    assert lease == a_lease(Page())
