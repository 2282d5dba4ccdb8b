"""Secrets in every place that the operator reads: none reaches the log, and lines are findable."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import kopf
import pytest

from builders.engine import World, a_running_world
from builders.fake_api.faults import Match, Refuse
from builders.kubelet import fails, ok
from builders.specs import a_retry, a_step, a_task, a_workflow, an_agent
from component.dispatch.worker_calls import a_worker_api
from spectra_operator.core.tracing.ids import trace_id
from spectra_operator.engine.correlation import concerns
from spectra_operator.handlers.admission import _handler
from spectra_operator.observability.logs import OURS, Correlation, JsonFormatter
from unit.dispatch.token_reviews import a_token, bearer

SECRET = "hunter2-correct-horse"


class Log:
    """Everything that is logged, as the operator would write it at level debug."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.correlation = Correlation()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(JsonFormatter())
        self.handler.addFilter(self.correlation)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def lines(self, **fields: str) -> list[dict[str, Any]]:
        """Return the lines with these fields."""
        found = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in found if fields.items() <= line.items()]


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    loggers = [logging.getLogger(), logging.getLogger(OURS)]
    levels = [each.level for each in loggers]
    loggers[0].addHandler(log.handler)
    loggers[0].setLevel(logging.INFO)
    loggers[1].setLevel(logging.DEBUG)
    yield log
    loggers[0].removeHandler(log.handler)
    for each, level in zip(loggers, levels, strict=True):
        each.setLevel(level)


def a_flow_full_of_secrets() -> dict[str, Any]:
    """Return a workflow that has the secret wherever a user can write a text."""
    tasks = [
        a_task("a", agent="keeper", input={"token": SECRET}, retry=a_retry(limit=1)),
        a_task("b", agent="keeper", depends_on=["a"], input={"it": "${tasks.a.outputs.it}"}),
    ]
    return a_workflow([a_step("build", tasks)], parameters=[{"name": "password", "value": SECRET}])


async def a_run_with_troubles(world: World, log: Log) -> None:
    """Run such a workflow while the API server refuses writes in words that quote them."""
    log.correlation.concerns = concerns(world.operator.engine.parts.store)
    words = f'Pod "x" is invalid: spec.containers[0].env[0].value: Invalid value: "{SECRET}"'
    causes = [{"reason": "FieldValueInvalid", "field": "spec.containers[0]", "message": words}]
    denied = f'admission webhook "policy" denied the request: {SECRET} is not allowed'
    for plural, fault in (
        ("phases", Refuse(422, "Invalid", words, causes=causes)),
        ("phases", Refuse(500, "InternalError", "etcd is away")),
        ("events", Refuse(403, "Forbidden", denied)),
        ("events", Refuse(400, "BadRequest", words)),
    ):
        verb = "patch" if plural == "phases" else "create"
        world.api.fault(Match(verb=verb, plural=plural), fault)
    world.kubelet.plan("a", fails(1, f"cannot log in with {SECRET}"), ok({"it": SECRET}))
    env = [{"name": "PASSWORD", "value": SECRET}]
    await world.apply(an_agent("keeper", template={"env": env}), a_flow_full_of_secrets())
    await world.finished()


async def test_a_run_with_troubles_tells_none_and_its_lines_can_be_found(log: Log) -> None:
    async with a_running_world() as world:
        await a_run_with_troubles(world, log)
        flow = await world.status()

    assert flow["state"] == "Succeeded"
    assert SECRET not in log.text
    workflow = {"namespace": "team", "workflow": "flow"}
    told = [line["msg"].rsplit(": ", 1)[-1] for line in log.lines(**workflow)]
    assert {"Started", "Retrying", "Succeeded"} <= set(told)
    (retry,) = (line for line in log.lines(**workflow) if line["msg"].endswith("Retrying"))
    assert (retry["phase"], retry["task"], retry["attempt"]) == ("build", "a", "1")
    traces = {line["trace"] for line in log.lines(**workflow) if "trace" in line}
    assert len(traces) == 1


async def test_refused_writes_are_told_with_the_fields_that_are_wrong(log: Log) -> None:
    async with a_running_world() as world:
        await a_run_with_troubles(world, log)

    warnings = [line["msg"] for line in log.lines(level="warning")]
    assert any("422 Invalid spec.containers[0]" in text for text in warnings)
    assert any("etcd is away" in text for text in warnings)
    assert any("403 Forbidden" in text for text in warnings)


async def test_a_pass_that_breaks_on_a_value_does_not_quote_it(log: Log) -> None:
    async with a_running_world() as world:
        engine = world.operator.engine
        log.correlation.concerns = concerns(engine.parts.store)

        def broken(_: object) -> None:
            raise ValueError(f"invalid literal for int() with base 10: {SECRET!r}")

        engine.passes._reconcile = {**engine.passes._reconcile, "Workflow": broken}
        await world.apply(a_workflow())
        await world.until(lambda: log.lines(level="error"))

    (line, *_) = log.lines(level="error", workflow="flow")
    assert line["error"].endswith("ValueError")
    assert SECRET not in log.text


async def test_the_worker_api_tells_no_token_and_no_result(log: Log) -> None:
    token = a_token(SECRET)
    async with a_worker_api() as api:
        headers = {"Authorization": bearer(token)}
        body = {"id": "x", "epoch": 1, "outputs": {"it": SECRET}, "message": SECRET}
        for error in (RuntimeError(SECRET), None):
            api.desk.error = error
            for path in ("/v1/claims", "/v1/heartbeat", "/v1/results", f"/v1/{SECRET}"):
                await api.post(path, body, headers=headers)
                await api.post(path, f"not json {SECRET}".encode(), headers=headers)
                await api.post(path, body, headers={"Authorization": f"Bearer {SECRET}"})

    assert SECRET not in log.text
    assert token not in log.text
    assert token.split(".")[1] not in log.text


def test_admission_names_who_was_refused_and_quotes_nothing(log: Log) -> None:
    spec = {"phases": [{"name": SECRET * 20, "tasks": [{"name": "x", "agent": SECRET}]}]}
    body = {"metadata": {"namespace": "team", "name": "flow"}, "spec": spec | {SECRET: SECRET}}

    with pytest.raises(kopf.AdmissionError):
        _handler("Workflow")(body=body, old=None, userinfo={"username": "ada"})

    assert "refused Workflow team/flow of ada" in log.text
    assert SECRET not in log.text


def test_a_trace_is_found_by_the_uid_of_its_workflow() -> None:
    assert trace_id("0b5ab1a4-6a2c-4c2e-9d5a-1c8f9d3b7e11") == "2de8bc0c361355a7fa17b6b02b9df1dd"
