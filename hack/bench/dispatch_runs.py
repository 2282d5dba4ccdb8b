"""Runs pool dispatch at rising rates, on a control plane of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import uvloop

from bench.dispatch import WORKERS, Played, Pool
from bench.errors import BenchError
from bench.fleet import Fleet
from bench.lease_limit import raw_limit
from bench.loads import chains, fan_outs, stages
from bench.plane import NAMESPACE, Plane, a_plane
from bench.pod_runs import Conditions
from bench.process import OperatorProcess, a_free_port, an_operator, while_alive
from bench.programs import ROOT
from bench.results import DispatchRun, PacedRun, spread
from bench.scenarios import DispatchScenario
from spectra_operator.kube.access import load_access

RAW_SECONDS = 5.0
SHAPES = {"chains": chains, "fan-outs": fan_outs, "phases": stages}


def run_dispatch(scenario: DispatchScenario, run: int, conditions: Conditions) -> DispatchRun:
    """Do all rates once, every shape by pace and fan-outs without, and the raw limit around them.

    Raises:
        BenchError: A task was lost or given twice, a workflow failed, or something did not start.
    """
    log = conditions.folder / f"{scenario.name}-spectra-{run}.log"
    port = a_free_port()
    url = f"http://127.0.0.1:{port}"
    with (
        a_plane(conditions.cluster, [ROOT / "crds"], conditions.lasting) as plane,
        _an_operator(plane, log, url) as operator,
    ):
        # The loop that leaves most of the cores to what is measured.
        done = _on_plane(plane, operator, url, scenario, run, conditions)
        return uvloop.run(while_alive(done, operator.ended))


def _an_operator(plane: Plane, log: Path, url: str) -> AbstractContextManager[OperatorProcess]:
    settings = {"worker_url": url, "worker_port": url.rpartition(":")[2]}
    return an_operator(plane.access_file, log, a_free_port(), **settings)


async def _on_plane(
    plane: Plane,
    operator: OperatorProcess,
    url: str,
    scenario: DispatchScenario,
    run: int,
    conditions: Conditions,
) -> DispatchRun:
    access = load_access(str(plane.access_file))
    pool = Pool(plane, access, operator, url, NAMESPACE)
    before = await raw_limit(access, NAMESPACE, WORKERS, RAW_SECONDS)
    async with pool.fleet() as fleet:
        with conditions.beside(operator.pid):
            paced = [
                await _paced(pool, fleet, shape, rate, scenario.seconds)
                for rate in scenario.rates
                for shape in SHAPES
            ]
            paced.append(await _unpaced(pool, fleet, scenario))
    after = await raw_limit(access, NAMESPACE, WORKERS, RAW_SECONDS)
    return DispatchRun(scenario.name, run, tuple(paced), (before.rate, after.rate))


async def _paced(pool: Pool, fleet: Fleet, shape: str, rate: float, seconds: float) -> PacedRun:
    load = SHAPES[shape](f"{shape}-{rate:g}", round(rate * seconds))
    return _checked(shape, rate, load.tasks, await pool.played(fleet, load, rate))


async def _unpaced(pool: Pool, fleet: Fleet, scenario: DispatchScenario) -> PacedRun:
    load = fan_outs("unpaced", scenario.unpaced)
    return _checked("fan-outs", None, load.tasks, await pool.played(fleet, load, None))


def _checked(shape: str, wanted: float | None, tasks: int, played: Played) -> PacedRun:
    """Return the figures of a load that was done as it should be.

    Raises:
        BenchError: It was not.
    """
    tape = played.tape
    once = tape.ended == len(tape.given) == tasks and set(tape.given.values()) == {1}
    if not once or played.states != {"Succeeded"}:
        said = f"{tape.ended} ends of {len(tape.given)} claims for {tasks} tasks"
        raise BenchError(f"dispatch at {wanted or 'full speed'}: {said}; {set(played.states)}")
    return PacedRun(
        shape=shape,
        wanted=wanted,
        tasks=tasks,
        seconds=played.seconds,
        dispatch=spread(played.hops),
        chained=spread(tape.chained),
        entered=spread(tape.entered),
        refilled=spread(tape.refilled),
        cpu=played.used.cpu,
        requests=dict(played.used.requests.most_common()),
        sent=played.used.sent,
        idle=tape.idle,
    )
