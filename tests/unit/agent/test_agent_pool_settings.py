"""What a worker reads from its environment, its pauses, and where it talks to."""

from __future__ import annotations

from pathlib import Path

import pytest

from spectra_agent import InputError
from spectra_agent.pool.line import CallError, Place, Token
from spectra_agent.pool.settings import Backoff, Settings, host_and_port
from spectra_agent.pool.tries import Tries

ENV = {"SPECTRA_WORKER_URL": "http://operator:8090", "SPECTRA_WORKER_TOKEN_FILE": "/token"}


def test_slots_and_grace_have_defaults() -> None:
    found = Settings.from_env(ENV)
    assert (found.url, found.token_file) == ("http://operator:8090", "/token")
    assert (found.slots, found.grace) == (1, 25.0)


def test_slots_and_grace_are_read() -> None:
    found = Settings.from_env({**ENV, "SPECTRA_WORKER_SLOTS": "32", "SPECTRA_WORKER_GRACE": "1.5"})
    assert (found.slots, found.grace) == (32, 1.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPECTRA_WORKER_URL", ""),
        ("SPECTRA_WORKER_URL", "operator:8090"),
        ("SPECTRA_WORKER_URL", "https://operator:8090"),
        ("SPECTRA_WORKER_URL", "http://operator:8090/v1"),
        ("SPECTRA_WORKER_URL", "http://operator:port"),
        ("SPECTRA_WORKER_TOKEN_FILE", ""),
        ("SPECTRA_WORKER_SLOTS", "0"),
        ("SPECTRA_WORKER_SLOTS", "33"),
        ("SPECTRA_WORKER_SLOTS", "-1"),
        ("SPECTRA_WORKER_SLOTS", "\u00b2"),
        ("SPECTRA_WORKER_GRACE", "-1"),
        ("SPECTRA_WORKER_GRACE", "nan"),
        ("SPECTRA_WORKER_GRACE", "inf"),
        ("SPECTRA_WORKER_GRACE", "soon"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InputError, match=name):
        Settings.from_env({**ENV, name: value})


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://10.0.0.7:8090", ("10.0.0.7", 8090)),
        ("http://10.0.0.7:8090/", ("10.0.0.7", 8090)),
        ("http://[fd00::7]:8090", ("fd00::7", 8090)),
        ("http://operator", ("operator", 80)),
    ],
)
def test_an_address_is_host_and_port(url: str, place: tuple[str, int]) -> None:
    assert host_and_port(url) == place


def test_pauses_double_from_a_tenth_of_a_second_to_three() -> None:
    longest = Backoff(jitter=lambda: 1.0)
    pauses = [longest.seconds(n) for n in range(1, 8)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0]
    assert longest.seconds(10**9) == 3.0


def test_half_of_a_pause_is_left_to_chance() -> None:
    assert Backoff(jitter=lambda: 0.0).seconds(5) == 0.8
    assert 0.8 <= Backoff().seconds(5) <= 1.6


def test_what_the_operator_asks_for_is_waited_at_least() -> None:
    tries = Tries("x", Backoff(jitter=lambda: 1.0))
    assert tries.failed(CallError("busy", wait=3.0)) == 3.0
    assert tries.failed(CallError("busy", wait=0.01)) == 0.2
    tries.worked()
    assert tries.failed(CallError("busy")) == 0.1


def away(place: Place) -> tuple[tuple[str, int], bool]:
    return place.now, not place.is_home(place.now)


def test_a_worker_goes_where_it_is_sent_and_home_when_that_fails() -> None:
    place = Place("http://home:1")
    assert away(place) == (("home", 1), False)
    place.move("http://10.0.0.7:2")
    assert away(place) == (("10.0.0.7", 2), True)
    place.leave(("10.0.0.8", 2))
    assert away(place) == (("10.0.0.7", 2), True)
    place.leave(("10.0.0.7", 2))
    assert away(place) == (("home", 1), False)


@pytest.mark.parametrize("address", ["", None, 5, "https://10.0.0.7:2", "10.0.0.7:2", "http://"])
def test_an_address_that_is_none_leads_home(address: object) -> None:
    place = Place("http://home:1")
    place.move("http://10.0.0.7:2")
    with pytest.raises(CallError, match="no replica of the operator serves this namespace yet"):
        place.move(address)
    assert place.is_home(place.now)


def test_a_token_is_read_when_its_file_was_replaced(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one\n")
    token = Token(str(file))
    assert token.text() == "one"
    (tmp_path / "new").write_text("two")
    (tmp_path / "new").replace(file)
    assert token.text() == "two"


def test_a_token_file_that_is_not_there_is_an_error_that_can_pass(tmp_path: Path) -> None:
    token = Token(str(tmp_path / "token"))
    with pytest.raises(CallError, match="cannot read the token file"):
        token.text()
    (tmp_path / "token").write_text("one")
    assert token.text() == "one"


def test_no_error_shows_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret with\nlines")
    with pytest.raises(CallError) as failed:
        Token(str(tmp_path / "token")).text()
    assert "secret" not in str(failed.value)
