"""Which room of the operator, or which library, the time of a sample belongs to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import spectra_operator
from profiling import rooms
from profiling.rooms import DECODE, ENCODE, IMPORTS, LOOP, OTHER, by_room, owner, room_of
from profiling.stacks import Frame
from spectra_operator.kube import documents

CORE = Frame("decide_phase", "spectra_operator/core/phase/decide.py")
ENGINE = Frame("Executor._work", "spectra_operator/engine/executor.py")
LOADED = Frame("loaded", "spectra_operator/kube/documents.py")
JSON = Frame("loads", "json/__init__.py")
STEP = Frame("Runner.run", "asyncio/runners.py")


@pytest.mark.parametrize(
    ("file", "room"),
    [
        ("spectra_operator/core/phase/decide.py", "core"),
        ("spectra_operator/engine/executor.py", "engine"),
        ("spectra_operator/kube/transport.py", "kube: HTTP, watches, Leases"),
        ("spectra_operator/wiring.py", "operator: the rest"),
        ("aiohttp/client.py", "aiohttp"),
        ("yarl/_url.py", "aiohttp"),
        ("pydantic/main.py", "pydantic"),
        ("uvloop/__init__.py", LOOP),
        ("copy.py", ""),
        ("", ""),
    ],
)
def test_a_file_has_the_room_of_its_package(file: str, room: str) -> None:
    assert room_of(Frame("f", file)) == room


def test_json_is_told_apart_by_its_direction() -> None:
    assert room_of(LOADED) == DECODE
    assert room_of(Frame("dumped", LOADED.file)) == ENCODE


def test_the_functions_that_speak_json_are_still_called_so() -> None:
    assert {documents.loaded.__name__, documents.dumped.__name__} == set(rooms._JSON)
    assert (documents.__file__ or "").endswith(LOADED.file)


def test_every_package_of_the_operator_has_a_room_of_its_own() -> None:
    folder = Path(spectra_operator.__file__).parent
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}

    found = {name: room_of(Frame("f", f"spectra_operator/{name}/a.py")) for name in packages}

    assert len(set(found.values())) == len(packages)
    assert "operator: the rest" not in found.values()


def test_what_the_standard_library_does_is_done_for_its_caller() -> None:
    assert owner((STEP, ENGINE, LOADED, JSON)) == DECODE
    assert owner((STEP, ENGINE, Frame("deepcopy", "copy.py"))) == "engine"


def test_the_innermost_room_has_the_time() -> None:
    assert owner((STEP, ENGINE, CORE)) == "core"
    assert owner((STEP,)) == LOOP


def test_what_a_module_does_while_it_is_imported_is_an_import() -> None:
    load = Frame("_call_with_frames_removed", "<frozen importlib._bootstrap>")
    assert owner((load, CORE, Frame("_create_fn", "dataclasses.py"))) == IMPORTS


def test_what_nobody_called_is_other() -> None:
    assert owner((Frame("<module>", "somewhere.py"),)) == OTHER


def test_no_stack_at_all_is_other() -> None:
    assert owner(()) == OTHER
    assert by_room(Counter()) == {}


def test_a_library_whose_name_begins_like_another_is_not_taken_for_it() -> None:
    assert room_of(Frame("f", "kopfschmerz/a.py")) == ""
    assert room_of(Frame("f", "my/spectra_operator/core/a.py")) == ""
    assert room_of(Frame("f", "pydantic_core/core_schema.py")) == "pydantic"


def test_the_samples_of_rooms_add_up_to_all() -> None:
    stacks = Counter({(STEP,): 5, (STEP, ENGINE): 3, (STEP, ENGINE, CORE): 2, (JSON,): 1})
    assert by_room(stacks) == {LOOP: 5, "engine": 3, "core": 2, OTHER: 1}
