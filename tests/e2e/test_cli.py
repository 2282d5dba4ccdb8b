"""kubectl spectra on a real cluster, as a plugin of kubectl."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from builders.cluster import run_program
from builders.specs import a_parameter, a_retry, a_step, a_task
from e2e.harness import bodies
from e2e.harness.bodies import HOLD, PROVE
from e2e.harness.play import Play
from e2e.harness.plugin import ECHO, EXAMPLES, FAILS_ONCE, HIDE_CURSOR, SHOW_CURSOR, WHO, Plugin

Body = dict[str, Any]

FAILS = "exit 3"
SPEAKS = 'echo "item $SPECTRA_INDEX attempt $SPECTRA_ATTEMPT says hello"; ' + FAILS_ONCE


def written(tmp_path: Path, *objects: Mapping[str, Any], name: str = "flow.yaml") -> str:
    """Write objects into a file and return its name."""
    file = tmp_path / name
    file.write_text(yaml.safe_dump_all(objects))
    return str(file)


# Submitting


async def test_submit_applies_what_is_needed_and_watches_to_the_end(
    play: Play, spectra: Plugin, tmp_path: Path
) -> None:
    task = a_task("make", agent="echo", input={"rows": "${parameters.rows}"})
    flow = bodies.one_phase("flow", [task], parameters=[a_parameter("rows", 1, "integer")])
    file = written(tmp_path, bodies.agent("echo", ECHO), flow)

    told = (await spectra("submit", file, "--watch", "-p", "rows=7")).out

    assert told.startswith("agent/echo created\nworkflow/flow created\n")
    assert told.splitlines()[-1].endswith("workflow/flow: Succeeded")
    assert "task work/make: Succeeded" in told
    play.given.workflow([task])
    await play.world.caught_up("Phase")
    assert play.then.task("work/make").outputs == {"rows": 7}


async def test_submit_refuses_what_exists_unless_it_may_make_up_a_name(
    play: Play, spectra: Plugin, tmp_path: Path
) -> None:
    file = written(tmp_path, bodies.agent(), bodies.one_phase("flow", [a_task("a")]))
    await spectra("submit", file)

    refused = await spectra("submit", file, code=4)
    named = await spectra("submit", file, "--generate-name", "-o", "name")

    assert "workflow/flow exists already; delete it, or give --name or --generate-name" in (
        refused.err
    )
    assert named.out.startswith("workflow.spectra.dev/flow-")
    made = named.out.strip().rpartition("/")[2]
    assert (await spectra("tree", made, "--watch")).out.splitlines()[-1].endswith("Succeeded")


async def test_the_exit_code_of_watching_says_that_a_workflow_failed(
    spectra: Plugin, tmp_path: Path
) -> None:
    flow = bodies.one_phase("flow", [a_task("a")])
    file = written(tmp_path, bodies.agent(script=FAILS), flow)

    told = (await spectra("submit", file, "--watch", code=1)).out

    assert "task work/a: Failed: Error: exit code 3" in told


async def test_submit_takes_standard_input_and_gives_up_in_time(
    play: Play, spectra: Plugin
) -> None:
    text = yaml.safe_dump_all([bodies.agent(script=HOLD), bodies.one_phase("flow", [a_task("a")])])

    late = await spectra("submit", "-", "--watch", "--timeout", "2", code=124, stdin=text)

    assert "workflow/flow has not ended in time; it is" in late.err
    await play.when.each_let_go(1)


async def test_a_workflow_from_a_template_takes_values_by_their_declared_types(
    play: Play, spectra: Plugin, tmp_path: Path
) -> None:
    task = a_task("make", agent="echo", input={"rows": "${parameters.rows}"})
    parameters = [{"name": "rows", "type": "integer", "default": 1}]
    template = bodies.one_phase("nightly", [task], parameters=parameters)
    template["kind"] = "WorkflowTemplate"
    file = written(tmp_path, bodies.agent("echo", ECHO), template)
    await play.kubectl("apply", "-f", file)

    words = ("submit", "--from", "template/nightly", "-p", "rows=7", "--name", "flow", "--watch")
    told = (await spectra(*words)).out

    assert told.startswith("workflow/flow created\n")
    play.given.workflow([task])
    await play.world.caught_up("Phase")
    assert play.then.task("work/make").outputs == {"rows": 7}
    explained = yaml.safe_load((await spectra("explain", "flow")).out)
    assert explained["spec"]["phases"][0]["tasks"][0]["name"] == "make"
    unknown = await spectra("submit", "--from", "template/nightly", "-p", "row=7", code=2)
    assert "-p row: is not a parameter; there are: rows" in unknown.err


# Looking


async def test_tree_draws_a_run_live_and_ends_with_it(play: Play, spectra: Plugin) -> None:
    play.given.agent("holder", HOLD)
    play.given.agent()
    steps = [
        a_step("work", [a_task("first", agent="holder"), a_task("then", depends_on=["first"])]),
        a_step("later", [a_task("last")], depends_on=["work"]),
    ]
    play.given.workflow(phases=steps)
    await play.when.applied()
    pod = await play.then.task("work/first").pod_in("Running")
    await play.then.task("work/first").shows(state="Running")

    still = (await spectra("tree", "flow")).out
    terminal = await spectra.on_terminal("tree", "flow", "--watch")
    await terminal.until("● first")
    await play.when.let_go(pod["metadata"]["name"])

    assert await terminal.ended() == 0
    assert "● first  holder  Running" in still
    assert "○ then  worker  Waiting  for first" in still
    (later,) = (line for line in still.splitlines() if "later" in line)
    assert "○ later  Waiting  0/1" in later
    assert later.endswith("for work")
    assert "\x1b[" in terminal.text
    assert terminal.text.rindex("✓ ") > terminal.text.rindex("● ")
    assert terminal.text.rindex(SHOW_CURSOR) > terminal.text.rindex(HIDE_CURSOR)


async def test_an_interrupt_leaves_the_terminal_as_it_was(play: Play, spectra: Plugin) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("a")])
    await play.when.applied()
    terminal = await spectra.on_terminal("tree", "flow", "--watch")
    await terminal.until("flow")
    await terminal.until(HIDE_CURSOR)

    assert await terminal.interrupted() == 130

    assert terminal.text.rindex(SHOW_CURSOR) > terminal.text.rindex(HIDE_CURSOR)
    assert "Traceback" not in terminal.text
    await play.when.each_let_go(1)


async def test_get_lists_workflows_for_people_and_machines(play: Play, spectra: Plugin) -> None:
    play.given.agent()
    play.given.workflow([a_task("a")])
    await play.when.applied()
    await play.then.workflow_ends("Succeeded")

    head, row = (await spectra("get")).out.splitlines()
    assert head.startswith("NAME")
    assert row.split()[:3] == ["flow", "Succeeded", "1/1"]
    assert "COST" in (await spectra("get", "-o", "wide")).out
    assert (await spectra("get", "flow", "-o", "name")).out == "workflow.spectra.dev/flow\n"
    assert json.loads((await spectra("get", "-o", "json")).out)["items"]
    as_yaml = yaml.safe_load((await spectra("get", "flow", "-o", "yaml")).out)
    assert as_yaml["status"]["state"] == "Succeeded"
    everywhere = await spectra("get", "--all-namespaces")
    assert play.namespace in everywhere.out
    missing = await spectra("get", "nope", code=3)
    assert "workflow/nope in namespace" in missing.err
    assert "there are: flow" in missing.err


async def test_logs_follow_every_item_and_every_attempt(play: Play, spectra: Plugin) -> None:
    play.given.agent(script=SPEAKS)
    play.given.workflow([a_task("many", count=3, retry=a_retry(1))])
    await play.when.applied()

    followed = (await spectra("logs", "flow", "--follow")).out.splitlines()
    one = (await spectra("logs", "flow", "--task", "work/many", "--index", "1")).out
    first = (await spectra("logs", "flow", "--task", "work/many", "--attempt", "1")).out
    timed = await spectra("logs", "flow", "--timestamps", "--tail", "1")
    missing = await spectra("logs", "flow", "--task", "work/few", code=3)

    expected = {
        f"work/many[{index}]{again} | item {index} attempt {attempt} says hello"
        for index in range(3)
        for attempt, again in ((1, ""), (2, "#2"))
    }
    assert set(followed) == expected
    assert len(followed) == len(expected)
    assert set(one.splitlines()) == {line for line in expected if line.startswith("work/many[1]")}
    assert set(first.splitlines()) == {line for line in expected if "#2" not in line}
    assert timed.out.splitlines()[0].split(" | ")[1].startswith("20")
    assert "has no task work/few; there are: work/many" in missing.err


async def test_what_a_planner_returned_hangs_below_it_and_is_heard(
    play: Play, spectra: Plugin
) -> None:
    tasks = '[{"name": "one", "agent": "planner"}]'
    answer = f'printf \'{{"outputs": {{}}, "spawn": {tasks}}}\' > /dev/termination-log'
    script = f'echo "$SPECTRA_TASK at work"; [ "$SPECTRA_TASK" != plan ] || {answer}'
    play.given.agent("planner", script)
    play.given.workflow([a_task("plan", agent="planner", planner={})])
    await play.when.applied()
    await play.then.workflow_ends("Succeeded")

    tree = (await spectra("tree", "flow")).out
    heard = (await spectra("logs", "flow", "--task", "work/one")).out

    places = [tree.index(part) for part in ("✓ plan", "✓ spawned", "✓ one")]
    assert places == sorted(places)
    assert heard == "work/one | one at work\n"


async def test_a_phase_that_stands_alone_is_shown_and_explained_too(
    play: Play, spectra: Plugin
) -> None:
    await spectra("submit", str(EXAMPLES / "standalone-phase.yaml"), "--watch")

    assert "Phase standalone  Succeeded  2/2" in (await spectra("tree", "phase/standalone")).out
    assert yaml.safe_load((await spectra("explain", "phase/standalone")).out)["kind"] == "Phase"
    why = (await spectra("why", "phase/standalone")).out
    assert "is Succeeded" in why


# Steering by levels


async def test_levels_are_changed_while_a_workflow_runs(play: Play, spectra: Plugin) -> None:
    play.given.agent()
    play.given.workflow([a_task("a")], suspend=True)
    await play.when.applied()
    await play.then.workflow_shows("Suspended")

    assert (
        await spectra("set", "priority", "flow", "9")
    ).out == "workflow/flow priority set to 9\n"
    await spectra("set", "parallelism", "flow", "2")
    await spectra("set", "parallelism", "flow", "none")
    assert "Suspended" in (await spectra("tree", "flow")).out
    await spectra("resume", "flow", "--reason", "the data is there")
    status = await play.then.workflow_ends("Succeeded")
    after = await spectra("suspend", "flow")

    assert "it has ended (Succeeded); this holds for a retry only" in after.err
    spec = (play.world.get("Workflow", "flow") or {})["spec"]
    changes = {change["field"]: change for change in status["changes"]}
    who = (await play.cluster.kubectl("auth", "whoami", "-o", WHO)).strip()
    assert (changes["priority"]["to"], changes["priority"]["actor"]) == ("9", who)
    assert changes["suspend"]["reason"] == "the data is there"
    assert spec["priority"] == 9
    assert "parallelism" not in spec


# Understanding


async def test_why_names_the_limit_and_the_dependency(play: Play, spectra: Plugin) -> None:
    play.given.agent("holder", HOLD, concurrency=1)
    tasks = [
        a_task("a", agent="holder"),
        a_task("b", agent="holder"),
        a_task("c", agent="holder", depends_on=["a", "b"]),
    ]
    steps = [
        a_step("work", tasks),
        a_step("later", [a_task("d", agent="holder")], depends_on=["work"]),
    ]
    play.given.workflow(phases=steps)
    await play.when.applied()
    await play.then.until(
        "one of the two waits for the agent",
        lambda: any(
            play.then.task(f"work/{name}").status.get("reason") == "AgentConcurrency"
            for name in "ab"
        ),
    )

    chain = (await spectra("why", "flow", "work/c")).out.splitlines()
    data = json.loads((await spectra("why", "flow", "later/d", "-o", "json")).out)

    assert chain[0].startswith("task work/c is Waiting: it waits for")
    assert "holder" in chain[-1]
    assert data[0]["what"] == "task later/d"
    assert "holder" in data[-1]["what"] + data[-1]["why"]
    unknown = await spectra("why", "flow", "work/x", code=3)
    assert "has no task x; it has a, b, c" in unknown.err
    await spectra("set", "parallelism", "flow", "4")
    await play.when.each_let_go(4)
    await play.then.workflow_ends("Succeeded")


async def test_a_run_is_explained_drawn_and_simulated_from_what_was_seen(
    play: Play, spectra: Plugin
) -> None:
    # The kubelet tells times in whole seconds: what takes less may have taken none.
    play.given.agent(script=f"sleep 1.2; {PROVE}", concurrency=2)
    play.given.workflow([a_task("many", count=4), a_task("last", depends_on=["many"])])
    await play.when.applied()
    await play.then.workflow_ends("Succeeded")

    explained = yaml.safe_load((await spectra("explain", "flow")).out)
    drawn = (await spectra("graph", "flow")).out
    mermaid = (await spectra("graph", "flow", "--format", "mermaid")).out
    words = ("simulate", "flow", "--from-observed", "--agent", "worker=4")
    simulated = (await spectra(*words)).out
    data = json.loads((await spectra(*words, "-o", "json")).out)

    assert explained["spec"]["phases"][0]["tasks"][0]["count"] == 4
    assert 'label="many x4"' in drawn
    assert "fillcolor=" in drawn
    assert "class t2,t3 Succeeded" in mermaid
    assert "would take" in simulated
    assert "agent worker=4" in simulated
    assert data["peak"] == {"worker": 2}
    assert data["whatIf"][0]["makespan"] < data["makespan"]


async def test_lint_needs_no_cluster_and_its_exit_code_is_for_machines(spectra: Plugin) -> None:
    good = await spectra_offline(spectra, "lint", str(EXAMPLES / "foundation"))
    bad = await spectra_offline(spectra, "lint", str(EXAMPLES / "bad" / "cycle.yaml"), code=1)

    assert "nothing wrong" in good.err
    assert "cycle.yaml:" in bad.out
    assert "wait for each other" in bad.out


async def spectra_offline(spectra: Plugin, *words: str, code: int = 0) -> Any:
    """Run a command that takes no options of a cluster."""
    answer = await run_program([spectra.play.cluster.kubectl_path, "spectra", *words])
    assert answer.code == code, answer.err
    return answer


# The program


async def test_kubectl_completes_commands_names_and_tasks(play: Play, spectra: Plugin) -> None:
    play.given.agent()
    play.given.workflow([a_task("a"), a_task("b")])
    await play.when.applied()
    await play.then.workflow_ends("Succeeded")
    here = ("--namespace", play.namespace)

    assert await spectra.completed("su") == ["submit", "suspend", ":4"]
    assert await spectra.completed("tree", *here, "") == ["flow", ":4"]
    assert await spectra.completed("rerun", *here, "flow", "work/") == ["work/a", "work/b", ":4"]
    script = await spectra_offline(spectra, "completion", "bash")
    assert "kubectl-spectra" in script.out


async def test_exit_codes_tell_what_went_wrong(play: Play, spectra: Plugin, tmp_path: Path) -> None:
    config = yaml.safe_load(play.cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(yaml.safe_dump(config))

    usage = await spectra("tree", code=2)
    missing = await spectra("tree", "nope", code=3)
    refused = await spectra("get", "--as", "nobody", code=4)
    unreachable = await spectra("get", "--kubeconfig", str(nowhere), code=5)
    namespace = await spectra("submit", "--from", "template/none", code=3)

    assert "Missing argument 'NAME'" in usage.err
    assert "workflow/nope in namespace" in missing.err
    assert 'User "nobody" cannot list resource "workflows"' in refused.err
    assert "the cluster at https://127.0.0.1:9 does not answer" in unreachable.err
    assert "workflowtemplate/none in namespace" in namespace.err
    for answer in (missing, refused, unreachable, namespace):
        assert len(answer.err.splitlines()) <= 2, answer.err  # kubectl adds one of its own


async def test_the_program_runs_without_kubectl(spectra: Plugin) -> None:
    answer = await run_program([sys.executable, "-m", "kubectl_spectra", "version"])

    assert answer.out.startswith("kubectl-spectra 0.")
