"""Keys of objects, and the shard of a namespace."""

from __future__ import annotations

from collections import Counter

import pytest

from spectra_operator.engine.keys import Key, key_of, shard_of


def test_a_key_reads_as_people_name_an_object() -> None:
    body = {"kind": "Workflow", "metadata": {"namespace": "team", "name": "flow"}}
    assert key_of(body) == Key("Workflow", "team", "flow")
    assert str(key_of(body)) == "Workflow team/flow"


@pytest.mark.parametrize("shards", [2, 7, 16])
def test_namespaces_are_spread_evenly_over_the_shards(shards: int) -> None:
    counts = Counter(shard_of(f"team-{number}", shards) for number in range(4000))
    assert sorted(counts) == list(range(shards))
    mean = 4000 / shards
    assert all(0.8 * mean < count < 1.2 * mean for count in counts.values())


def test_the_shard_of_a_namespace_never_changes() -> None:
    known = [shard_of(name, 16) for name in ("default", "team", "kube-system")]
    assert known == [13, 13, 1]  # another hash would move every namespace at an upgrade
    assert shard_of("anything", 1) == 0
