"""A profile as text: tables for the terminal, which are Markdown too."""

from __future__ import annotations

from bench.report import table
from profiling import rooms, stacks
from profiling.stacks import Profile

TOP = 25


def render(title: str, profile: Profile) -> str:
    """Return the whole report of a profile."""
    if not profile.samples:
        return f"{title}: nothing ran in {profile.seconds:.0f} s\n"
    seen = f"{profile.samples:,} samples at {profile.rate} a second in {profile.seconds:.0f} s"
    idle = _share(1 - profile.busy)
    head = f"{title}: {seen}; idle {idle} of the time. Per cent are of the samples."
    parts = [head, _scale(profile), _rooms(profile), _functions(profile)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _scale(profile: Profile) -> str:
    """Return how samples become processor time: they count the waiting for a core, too."""
    if profile.cpu is None:
        return ""
    each = 1000 * profile.cpu / profile.samples
    return (
        f"In this time the process had {profile.cpu:.1f} s of processor time, and its main thread"
        f" waited {profile.waited:.1f} s for a core, which samples count as running:"
        f" a sample is {each:.1f} ms of processor time."
    )


def _rooms(profile: Profile) -> str:
    found = rooms.by_room(profile.stacks)
    rows = [[room, _of(count, profile), f"{count:,}"] for room, count in found.most_common()]
    return table(["Room", "Time", "Samples"], rows)


def _functions(profile: Profile) -> str:
    whole = stacks.whole(profile.stacks)
    rows = [
        [_of(count, profile), _of(whole[frame], profile), frame.name, frame.file]
        for frame, count in stacks.own(profile.stacks).most_common(TOP)
    ]
    return table(["Own", "With calls", "Function", "File"], rows)


def _of(count: int, profile: Profile) -> str:
    return _share(count / profile.samples)


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"
