"""What stands at the end: the report, the objects, the hops, and where to look further."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from demo.board import Board
from demo.errors import DemoError
from demo.hops import hops, newer, spread
from demo.setup import DEPLOYMENT, NAMESPACE, SYSTEM, WORKFLOW
from demo.tools import DEFAULT_CLUSTER, Tools

_REPORT_PHASE = "validation"
_REPORT_TASK = "review"
Hops = Mapping[str, Sequence[float]]


def report(tools: Tools) -> str:
    """Return the review's report, from the status of its Phase.

    Raises:
        DemoError: There is none.
    """
    select = f"spectra.dev/workflow={WORKFLOW},spectra.dev/phase={_REPORT_PHASE}"
    listing = tools.run_kubectl("get", "phases", "-n", NAMESPACE, "-l", select, "-o", "json")
    return report_in(json.loads(listing)["items"])


def report_in(phases: Sequence[Mapping[str, object]]) -> str:
    """Return the report in the Phase that is given, which must be exactly one.

    Raises:
        DemoError: It holds none.
    """
    try:
        (phase,) = phases
        outputs = json.loads(phase["status"]["tasks"][_REPORT_TASK]["outputs"])  # type: ignore[index]
        return str(outputs["report"])
    except (KeyError, ValueError) as error:
        raise DemoError(f"task {_REPORT_TASK} has left no report: {error!r}") from error


def objects(tools: Tools) -> str:
    """Return what kubectl shows of the run.

    Raises:
        DemoError: kubectl failed.
    """
    return tools.run_kubectl("get", "workflows,phases,agents", "-n", NAMESPACE)


def hop_lines(board: Board, before: Hops, after: Hops) -> list[str]:
    """Return the hops as two lines: as the operator measured them, and as seen from outside.

    Args:
        board: The run, as the demo's own watch saw it.
        before: The operator's hops before the run, by replica.
        after: The same after it.
    """
    inside = [hop for name, seen in after.items() for hop in newer(before.get(name, ()), seen)]
    outside = hops(board.waits_for, board.finished, board.added)
    return [
        _hop_line("by the operator", "pod's end seen to successor's pod created", inside),
        _hop_line("from outside", "this watch: predecessor finished to successor ADDED", outside),
    ]


def look_further(tools: Tools) -> list[str]:
    """Return commands to go on with."""
    kubectl = tools.kubectl
    cluster = "" if tools.cluster == DEFAULT_CLUSTER else f" CLUSTER={tools.cluster}"
    return [
        f"export KUBECONFIG={tools.kubeconfig}",
        f"{kubectl} describe workflow {WORKFLOW} -n {NAMESPACE}",
        f"{kubectl} get phases -n {NAMESPACE} -o wide",
        f"{kubectl} get pods -n {NAMESPACE} -L spectra.dev/phase,spectra.dev/task",
        f"{kubectl} get events -n {NAMESPACE} --sort-by=.lastTimestamp",
        f"{kubectl} logs -n {SYSTEM} {DEPLOYMENT} --all-pods --tail=50",
        f"make demo{cluster}        # again: another run",
        f"make demo-down{cluster}   # remove the cluster",
    ]


def where_to_look(tools: Tools) -> list[str]:
    """Return where the logs of a failed run are."""
    return [
        f"export KUBECONFIG={tools.kubeconfig}",
        f"{tools.kubectl} logs -n {SYSTEM} {DEPLOYMENT} --all-pods --tail=200",
        f"{tools.kubectl} describe pods -n {SYSTEM}",
        f"{tools.kubectl} describe workflow,phases,pods -n {NAMESPACE}",
        f".venv/bin/python -m cluster logs --name {tools.cluster}   # folder of the cluster's logs",
    ]


def _hop_line(who: str, what: str, values: Sequence[float]) -> str:
    found = spread(values)
    if found is None:
        return f"  {who:<16} nothing measured  ({what})"
    figures = f"p50 {found.p50 * 1000:5.1f} ms   p99 {found.p99 * 1000:5.1f} ms"
    return f"  {who:<16} {figures}   of {found.count:>2}  ({what})"
