"""The foundation example: its graph, and what its tasks really find out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from spectra_agent import contract
from unit.examples.example_runner import EXAMPLES, Foundation, command, documents, in_order

Outputs = dict[str, dict[str, Any]]
RunOfSeed = Callable[[int], Outputs]

GRAPH = {
    "database": {
        "planning": ("director", []),
        "cluster": ("infrastructure", ["planning"]),
        "schema": ("architect", ["planning"]),
        "migration": ("database", ["cluster", "schema"]),
        "baseline": ("optimizer", ["migration"]),
    },
    "compression": {
        "hardware": ("hardware-intel", []),
        "codecs": ("optimizer", ["hardware"]),
        "storage": ("architect", ["codecs"]),
        "performance": ("testbed", ["storage"]),
    },
    "deduplication": {
        "design": ("architect", []),
        "cache": ("infrastructure", ["design"]),
        "deduplicate": ("optimizer", ["cache"]),
        "accuracy": ("testbed", ["deduplicate"]),
    },
    "validation": {
        "integration": ("testbed", []),
        "performance": ("debugger", ["integration"]),
        "security": ("security", ["performance"]),
        "review": ("director", ["security"]),
    },
}


@pytest.fixture
def plan(foundation: Foundation) -> dict[str, Any]:
    outputs: dict[str, Any] = foundation.call("director", "planning", {"seed": 3, "rows": 1000})
    return outputs


def test_the_workflow_has_the_graph_of_the_four_weeks(foundation: Foundation) -> None:
    phases = foundation.workflow["phases"]
    assert {
        phase["name"]: {
            task["name"]: (task["agent"], task.get("dependsOn", [])) for task in phase["tasks"]
        }
        for phase in phases
    } == GRAPH
    assert [phase.get("dependsOn", []) for phase in phases] == [
        [],
        ["database"],
        ["compression"],
        ["deduplication"],
    ]
    assert {phase["plan"]["durationDays"] for phase in phases} == {7}
    assert len({phase["plan"]["milestone"] for phase in phases}) == 4


def test_each_agent_has_handlers_for_exactly_its_tasks(foundation: Foundation) -> None:
    wanted: dict[str, set[str]] = {}
    for tasks in GRAPH.values():
        for name, (agent, _) in tasks.items():
            wanted.setdefault(agent, set()).add(name)
    assert {agent: set(handlers) for agent, handlers in foundation.agents.items()} == wanted


def test_every_agent_runs_its_file_from_the_example_image() -> None:
    for agent in documents(EXAMPLES / "foundation" / "foundation.yaml")[:-1]:
        assert agent["spec"]["template"]["image"] == "docker.io/local/spectra-foundation:dev"
        assert command(agent)[:4] == ["python3", "-m", "spectra_agent", "run"]
        assert command(agent)[4].startswith("/app/")


def test_a_run_meets_its_goals_and_every_result_fits(
    foundation: Foundation, run_of_seed: RunOfSeed
) -> None:
    review = run_of_seed(1)["validation"]["review"]
    assert (review["passed"], review["met"], review["goals"]) == (True, 6, 6)
    assert max(map(len, foundation.results.values())) <= contract.LIMIT_BYTES


def test_the_largest_result_still_fits_for_many_rows(foundation: Foundation) -> None:
    dedupe = foundation.modules["dedupe"]
    worst = {key for key in range(1_000_000) if key * 2654435761 >> 7 & 1}
    assert len(dedupe.pack(worst, 1_000_000)) < 1000


def test_the_report_holds_the_numbers_of_every_phase(run_of_seed: RunOfSeed) -> None:
    outputs = run_of_seed(1)
    report = outputs["validation"]["review"]["report"]
    assert len(report.encode()) < 2500
    assert "MISSED" not in report
    for phase, name, measure in (
        ("database", "migration", "rowsPerSecond"),
        ("compression", "codecs", "ratio"),
        ("deduplication", "accuracy", "recall"),
        ("validation", "integration", "storedBytes"),
    ):
        assert f"{outputs[phase][name][measure]:,}" in report


def test_a_missed_goal_is_said(foundation: Foundation, run_of_seed: RunOfSeed) -> None:
    outputs = run_of_seed(1)
    given: dict[str, Any] = {**outputs, **outputs["validation"]}
    poor = {**outputs["deduplication"], "accuracy": {"precision": 0.99, "recall": 0.5}}
    review = foundation.call("director", "review", {**given, "deduplication": poor})
    assert (review["passed"], review["met"]) == (False, 5)
    assert "MISSED  recall is at least 0.9" in review["report"]


def test_another_seed_gives_other_numbers(run_of_seed: RunOfSeed) -> None:
    one, two = run_of_seed(1)["deduplication"], run_of_seed(2)["deduplication"]
    assert one["accuracy"] != two["accuracy"]
    assert one["deduplicate"]["duplicates"] != two["deduplicate"]["duplicates"]
    assert one["design"]["expectedRate"] != two["design"]["expectedRate"]


def test_the_data_is_a_pure_function_of_its_seed(foundation: Foundation) -> None:
    data = foundation.modules["data"]
    assert list(data.records(5, 300)) == list(data.records(5, 300))
    assert list(data.records(5, 300)) != list(data.records(6, 300))
    assert data.first(5, 300, 10) == list(data.records(5, 10))


def test_the_detector_is_good_but_not_perfect(run_of_seed: RunOfSeed) -> None:
    accuracy = run_of_seed(1)["deduplication"]["accuracy"]
    assert 0.9 < accuracy["recall"] < 1
    assert 0.9 < accuracy["precision"] < 1
    assert accuracy["falseNegatives"] > 0
    assert accuracy["falsePositives"] > 0


def test_accuracy_agrees_with_a_count_over_all_records(
    foundation: Foundation, run_of_seed: RunOfSeed
) -> None:
    outputs = run_of_seed(1)
    data, dedupe = foundation.modules["data"], foundation.modules["dedupe"]
    design = outputs["deduplication"]["design"]
    found = {record.key for record in dedupe.find_duplicates(data.records(1, 3000), design)}
    real = data.duplicates(1, 3000)
    accuracy = outputs["deduplication"]["accuracy"]
    assert accuracy["audited"] == 3000
    assert accuracy["recall"] == round(len(found & real) / len(real), 4)
    assert accuracy["precision"] == round(len(found & real) / len(found), 4)


def test_a_detector_that_ignores_spelling_variants_loses_recall(
    foundation: Foundation, run_of_seed: RunOfSeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = run_of_seed(1)["deduplication"]["accuracy"]["recall"]
    dedupe = foundation.modules["dedupe"]
    monkeypatch.setattr(dedupe, "fingerprint", lambda body, _design: body.encode())
    broken = foundation.run(seed=1, rows=3000)
    assert broken["deduplication"]["accuracy"]["recall"] < good - 0.1
    assert broken["validation"]["review"]["passed"] is False


@pytest.mark.parametrize("rows", [1, 100, 3999, 4001, 20_000])
def test_the_audit_gives_back_the_decisions_on_every_audited_record(
    foundation: Foundation, rows: int
) -> None:
    dedupe = foundation.modules["dedupe"]
    stride = dedupe.audit_stride(rows)
    found = {key for key in range(rows) if key % 7 == 0}
    assert dedupe.unpack(dedupe.pack(found, rows), rows) == {
        key for key in found if key % stride == 0
    }
    assert rows / stride <= dedupe.AUDITED_AT_MOST


@pytest.mark.parametrize("backend", ["memory", "sqlite"])
def test_both_caches_find_the_same_duplicates(
    foundation: Foundation, plan: dict[str, Any], backend: str
) -> None:
    design = {"algorithm": "sha256", "digestBytes": 8}
    given = {"plan": plan, "design": design, "backend": backend}
    found = foundation.call("optimizer", "deduplicate", given)
    dedupe, data = foundation.modules["dedupe"], foundation.modules["data"]
    expected = {record.key for record in dedupe.find_duplicates(data.records(3, 1000), design)}
    assert dedupe.unpack(found["audit"], 1000) == expected
    assert found["duplicates"] + found["unique"] == 1000


def test_planning_refuses_a_data_set_too_small_to_measure(foundation: Foundation) -> None:
    with pytest.raises(ValueError, match="rows must be at least 100"):
        foundation.call("director", "planning", {"seed": 1, "rows": 99})


def test_a_schema_that_loses_rows_fails_the_migration(
    foundation: Foundation, plan: dict[str, Any]
) -> None:
    ddl = (
        "CREATE TABLE event (key INTEGER PRIMARY KEY, source, recorded, body);"
        "CREATE TRIGGER lose AFTER INSERT ON event WHEN new.key % 100 = 0"
        " BEGIN DELETE FROM event WHERE key = new.key; END;"
    )
    with pytest.raises(Exception, match="990 of 1000 rows arrived"):
        foundation.call("database", "migration", {"plan": plan, "settings": {}, "ddl": ddl})


def test_the_densest_codec_that_keeps_up_is_chosen(foundation: Foundation) -> None:
    choose = foundation.agents["optimizer"]["codecs"].__globals__["choose"]
    measured = {
        "quick": {"ratio": 2.0, "compressMBps": 50.0},
        "dense": {"ratio": 4.0, "compressMBps": 5.0},
    }
    assert choose(measured, 4.0) == "dense"
    assert choose(measured, 6.0) == "quick"
    assert choose(measured, 90.0) == "quick"


def test_a_codec_that_corrupts_is_caught(
    foundation: Foundation, plan: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = foundation.modules["codec"]
    broken = codec.Codec(bytes, lambda data: data[:-1])
    monkeypatch.setitem(codec.CODECS, "zlib", broken)
    tiers = [{"name": "hot", "codec": "none", "share": 0.5, "bytes": 1}]
    tiers.append({"name": "warm", "codec": "zlib", "share": 0.5, "bytes": 1})
    tested = foundation.call("testbed", "performance", {"plan": plan, "tiers": tiers})
    assert tested["corrupt"] > 0
    with pytest.raises(ValueError, match="codec zlib did not restore"):
        codec.measure("zlib", b"data")


def test_integration_names_the_invariant_that_broke(
    foundation: Foundation, run_of_seed: RunOfSeed
) -> None:
    outputs = run_of_seed(1)
    given = {
        "plan": outputs["database"]["planning"],
        "settings": outputs["database"]["cluster"],
        "ddl": outputs["database"]["schema"]["ddl"],
        "tiers": outputs["compression"]["storage"]["tiers"],
        "design": outputs["deduplication"]["design"],
        "duplicates": -1,
    }
    with pytest.raises(Exception, match="1 of 5 checks failed: the duplicates are those reported"):
        foundation.call("testbed", "integration", given)


def test_percentiles_are_by_nearest_rank(foundation: Foundation) -> None:
    percentile = foundation.modules["store"].percentile
    assert percentile([3.0, 1.0, 2.0, 4.0], 50) == 2.0
    assert percentile([float(n) for n in range(1, 101)], 95) == 95.0
    assert percentile([7.0], 95) == 7.0


def test_a_setting_that_is_more_than_a_word_never_reaches_the_database(
    foundation: Foundation,
) -> None:
    store = foundation.modules["store"]
    with (
        pytest.raises(ValueError, match="journalMode must be one word"),
        store.scratch_database({"journalMode": "WAL; DROP TABLE event"}),
    ):
        pass


def test_without_a_writable_folder_the_database_is_in_memory(
    foundation: Foundation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only() -> None:
        raise OSError("read-only file system")

    store = foundation.modules["store"]
    monkeypatch.setattr(store.tempfile, "TemporaryDirectory", read_only)
    with store.scratch_database({}) as connection:
        [[_, _, path]] = connection.execute("PRAGMA database_list").fetchall()
    assert path == ""


class TestSecurity:
    """The attacks are real, and what is found is reported."""

    @pytest.fixture
    def security(self, foundation: Foundation) -> Any:
        return foundation.agents["security"]["security"].__globals__

    @pytest.fixture
    def connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.execute("CREATE TABLE event (key, source, recorded, body)")
        connection.execute("INSERT INTO event VALUES (1, 'gateway', 2, 'secret')")
        yield connection
        connection.close()

    def test_every_attack_works_on_a_glued_query_and_none_on_a_parameterised_one(
        self, security: Any, connection: sqlite3.Connection
    ) -> None:
        for attack in security["ATTACKS"]:
            assert security["succeeds"](connection, security["glued"], attack), attack
            assert not security["succeeds"](connection, security["parameterised"], attack), attack

    def test_an_honest_question_is_answered_by_both(
        self, security: Any, connection: sqlite3.Connection
    ) -> None:
        assert len(security["parameterised"](connection, "gateway")) == 1
        assert len(security["glued"](connection, "gateway")) == 1

    def test_the_database_file_is_private_and_the_control_succeeds(
        self, run_of_seed: RunOfSeed
    ) -> None:
        outputs = run_of_seed(1)["validation"]["security"]
        assert outputs["fileMode"] == "0600"
        assert outputs["stopped"] == outputs["attacks"] == outputs["controlSucceeded"] == 4

    def test_findings_name_secrets_root_open_files_and_tokens(
        self, security: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        monkeypatch.setitem(security, "TOKEN_FILE", tmp_path / "absent")
        findings = security["findings"]
        assert findings({"PATH": "/bin", "SPECTRA_KEY": "x"}, 65532, 0o600) == []
        monkeypatch.setitem(security, "TOKEN_FILE", tmp_path)
        assert findings({"DB_PASSWORD": "x"}, 0, 0o644) == [
            "variable DB_PASSWORD looks like a secret",
            "runs as root",
            "others may open the database file (0644)",
            "an API token is mounted",
        ]


def test_a_cycle_is_noticed_by_the_tests_own_order() -> None:
    nodes = [{"name": "a", "dependsOn": ["b"]}, {"name": "b", "dependsOn": ["a"]}]
    with pytest.raises(ValueError, match="cycle"):
        in_order(nodes)
