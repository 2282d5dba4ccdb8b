"""The store of our objects never goes back in time."""

from __future__ import annotations

from spectra_operator.engine.keys import Key
from spectra_operator.engine.store import ObjectStore
from spectra_operator.kube.resources import Body


def _body(name: str = "a", version: int = 1, *, kind: str = "Phase", namespace: str = "t") -> Body:
    meta = {"name": name, "namespace": namespace, "resourceVersion": str(version)}
    return {"kind": kind, "metadata": meta}


KEY = Key("Phase", "t", "a")


def test_a_newer_body_replaces_an_older_one_and_not_the_other_way_round() -> None:
    store = ObjectStore()
    assert store.offer(_body(version=9))
    assert store.offer(_body(version=10))  # as numbers: "10" < "9" as text
    assert not store.offer(_body(version=10))
    assert not store.offer(_body(version=9))
    assert store.get(KEY) == _body(version=10)


def test_a_dropped_object_does_not_come_back_by_a_late_answer() -> None:
    store = ObjectStore()
    store.offer(_body(version=5))
    assert store.drop(KEY, 7)
    assert not store.offer(_body(version=6))
    assert store.get(KEY) is None
    assert store.offer(_body(version=8))  # another object of that name


def test_a_drop_from_before_the_known_body_is_ignored() -> None:
    store = ObjectStore()
    store.offer(_body(version=5))
    assert not store.drop(KEY, 4)
    assert store.get(KEY) is not None


def test_a_drop_of_an_unknown_object_is_remembered() -> None:
    store = ObjectStore()
    assert not store.drop(KEY, 7)
    assert not store.offer(_body(version=7))
    assert len(store) == 0


def test_what_was_dropped_is_forgotten_in_the_end() -> None:
    store = ObjectStore()
    for number in range(10_001):
        store.drop(Key("Phase", "t", f"p{number}"), 5)
    assert store.offer(_body("p0", 1))
    assert not store.offer(_body("p10000", 1))


def test_bodies_are_found_by_kind_and_namespace() -> None:
    store = ObjectStore()
    for body in (_body("a"), _body("b", namespace="u"), _body("c", kind="Agent")):
        store.offer(body)
    assert [b["metadata"]["name"] for b in store.of_kind("Phase")] == ["a", "b"]
    assert [b["metadata"]["name"] for b in store.of_kind("Phase", "u")] == ["b"]


def test_a_list_brings_a_kind_up_to_its_moment_and_tells_what_changed() -> None:
    store = ObjectStore()
    for body in (_body("same", 3), _body("old", 3), _body("gone", 3), _body("late", 30)):
        store.offer(body)
    store.offer(_body("other", 3, kind="Agent"))
    changed = store.replace_kind("Phase", [_body("same", 3), _body("old", 8), _body("new", 9)], 20)
    assert sorted(key.name for key in changed) == ["gone", "new", "old"]
    assert sorted(b["metadata"]["name"] for b in store.of_kind("Phase")) == [
        "late",  # newer than the list: it was made after it
        "new",
        "old",
        "same",
    ]
    assert len(list(store.of_kind("Agent"))) == 1
