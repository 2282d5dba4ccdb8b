"""Settings from the environment, and what is said of those that cannot be used."""

from __future__ import annotations

import pytest

from spectra_operator.config import PREFIX, Config, ConfigError, load


def test_without_any_variable_the_defaults_hold() -> None:
    config = load({})
    assert (config.namespace, config.shards, config.lease_seconds) == ("spectra-system", 1, 15.0)


def test_every_setting_is_read_from_its_variable_and_has_its_type() -> None:
    config = load(
        {
            f"{PREFIX}NAMESPACE": "ops",
            f"{PREFIX}SHARDS": "4",
            f"{PREFIX}LEASE_SECONDS": "30",
            f"{PREFIX}RESYNC_SECONDS": "60.5",
            f"{PREFIX}LOG_FORMAT": "console",
            f"{PREFIX}IDENTITY": "me",
            f"{PREFIX}PROMETHEUS_ADDRESSES": "http://a,http://b",
        }
    )
    assert (config.namespace, config.shards, config.lease_seconds) == ("ops", 4, 30.0)
    assert (config.resync_seconds, config.log_format, config.identity) == (60.5, "console", "me")
    assert config.prometheus_addresses == "http://a,http://b"


def test_namespaces_are_read_with_commas_between_them_and_each_once() -> None:
    config = load({f"{PREFIX}CONTENT_NAMESPACES": "team-a, team-b,,team-a"})
    assert config.content_namespaces == ("team-a", "team-b")
    assert load({f"{PREFIX}CONTENT_NAMESPACES": ""}).content_namespaces == ()
    assert load({f"{PREFIX}WATCH_NAMESPACES": "b,a"}).watch_namespaces == ("b", "a")


def test_a_collector_is_an_url_and_what_it_wants_to_see_is_not_in_it() -> None:
    assert load({}).otlp_endpoint == ""
    assert load({f"{PREFIX}OTLP_ENDPOINT": "http://c:4318"}).otlp_endpoint == "http://c:4318"
    for wrong in ("c:4318", "http://ada:hunter2@c:4318", "http://c?key=hunter2", "ftp://c"):
        with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_HEADERS") as refused:
            load({f"{PREFIX}OTLP_ENDPOINT": wrong})
        assert "hunter2" not in str(refused.value)


def test_variables_that_are_not_ours_are_left_alone() -> None:
    environ = {"SHARDS": "9", "PATH": "/bin", f"{PREFIX}IDENTITY": "me"}
    assert load(environ) == Config(identity="me")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHARDS", "many"),
        ("SHARDS", "0"),
        ("SHARDS", "1025"),
        ("LEASE_SECONDS", "soon"),
        ("LEASE_SECONDS", "4"),
        ("LEASE_SECONDS", "7.5"),
        ("HEALTH_PORT", "80.5"),
        ("HEALTH_PORT", "65536"),
        ("CONCURRENCY", "0"),
        ("RESYNC_SECONDS", "0"),
        ("RESYNC_SECONDS", "nan"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("CONTENT_NAMESPACES", "Team_A"),
        ("CONTENT_NAMESPACES", "*"),
        ("WATCH_NAMESPACES", "team_a"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_variable_named(
    name: str, value: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load({PREFIX + name: value})
    assert str(refused.value).startswith(f"{PREFIX}{name}: ")
    assert value in str(refused.value)


def test_two_processes_on_one_host_have_different_identities() -> None:
    one, two = load({}), load({})
    assert one.identity != two.identity
    assert one.identity.split("_")[0] == two.identity.split("_")[0]


def test_the_environment_of_the_process_is_read_when_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(f"{PREFIX}NAMESPACE", "from-env")
    assert load().namespace == "from-env"
