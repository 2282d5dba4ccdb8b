"""Tasks that fail, are tried again, and are given up."""

from __future__ import annotations

from builders.specs import a_retry, a_task
from e2e.harness.play import Play

THIRD_TIME = """
if [ "$SPECTRA_ATTEMPT" -lt 3 ]; then
  echo "attempt $SPECTRA_ATTEMPT: not yet"; exit 3
fi
out '{"at": 3}'
"""


async def test_a_task_that_fails_twice_succeeds_with_its_third_attempt(play: Play) -> None:
    play.given.agent(script=THIRD_TIME)
    play.given.workflow([a_task("flaky", retry=a_retry(3, seconds=2))])
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    task = play.then.task("work/flaky")
    task.ran(3)
    assert (task.status["failures"], task.status.get("losses", 0)) == (2, 0)
    assert task.outputs == {"at": 3}
    await play.then.told("Phase", "Retrying", "exit code 3: attempt 1: not yet")
    first, second = _pauses(play)
    # 2 and 4 s, times a jitter from 0.5 to 1, by clocks that tell whole seconds.
    assert first >= 1
    assert second >= 2


def _pauses(play: Play) -> list[float]:
    """Seconds from the end of each attempt's container to the creation of the next pod."""
    trails = play.then.task("work/flaky").trails()
    ends = [trail.times[1] for trail in trails]
    begins = [trail.created_at for trail in trails[1:]]
    return [(b - e).total_seconds() for e, b in zip(ends, begins, strict=False) if e]
