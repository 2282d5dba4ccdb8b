from __future__ import annotations

from builders import pods
from kubectl_spectra.observing import of_pods


def test_attempts_count_from_the_making_of_their_pod_to_its_end() -> None:
    done = pods.succeeded(pods.running(pods.a_pod("compile", created=2)), when=9)

    seen = of_pods([done])

    assert seen.tasks["stage/compile"].samples == (7000,)
    assert seen.agents["worker"].samples == (7000,)


def test_items_of_a_task_are_samples_of_one_kind_the_newest_last() -> None:
    made = [
        pods.succeeded(pods.running(pods.a_pod("many", index=n, created=n)), when=3 * n + 1)
        for n in (2, 0, 1)
    ]

    assert of_pods(made).tasks["stage/many"].samples == (1000, 3000, 5000)


def test_what_failed_or_runs_is_no_sample() -> None:
    running = pods.running(pods.a_pod("a"))
    failed = pods.failed(pods.running(pods.a_pod("b")))

    assert of_pods([running, failed, pods.a_pod("c")]).tasks == {}


def test_only_the_newest_samples_are_kept() -> None:
    made = [
        pods.succeeded(pods.running(pods.a_pod("many", index=n, created=n)), when=n + n)
        for n in range(40)
    ]

    assert of_pods(made).tasks["stage/many"].samples == tuple(n * 1000 for n in range(8, 40))


def test_a_phase_that_stands_alone_has_its_own_name() -> None:
    done = pods.succeeded(pods.running(pods.a_pod("compile")), when=1)

    assert list(of_pods([done], "standalone").tasks) == ["standalone/compile"]
