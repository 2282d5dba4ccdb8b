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
    return "\n\n".join([head, _rooms(profile), _functions(profile)]) + "\n"


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
