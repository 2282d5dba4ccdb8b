"""The catalogue of binaries, and the keys under which they are cached."""

from __future__ import annotations

import pytest

from cluster import catalog
from cluster.errors import ClusterError


def test_a_pinned_version_is_read_from_a_require_block() -> None:
    go_mod = "module m\n\nrequire (\n\ta.b/other v0.1.0\n\ta.b/c v1.2.3 // indirect\n)\n"

    assert catalog.pinned_version(go_mod, "a.b/c") == "v1.2.3"


def test_a_pinned_version_is_read_from_a_single_require_line() -> None:
    assert catalog.pinned_version("require a.b/c v1.2.3\n", "a.b/c") == "v1.2.3"


def test_a_module_whose_path_only_ends_alike_is_not_taken_for_the_one_asked() -> None:
    with pytest.raises(ClusterError, match=r"requires no version of a\.b/c"):
        catalog.pinned_version("require x.a.b/c v9.9.9\n", "a.b/c")


@pytest.mark.parametrize("module", catalog.MODULES, ids=lambda module: str(module.name))
def test_every_module_pins_its_version_and_its_sums(module: catalog.Module) -> None:
    assert catalog.version(module).startswith("v")
    assert not module.source or (module.folder / "go.sum").stat().st_size > 0


@pytest.mark.parametrize("module", catalog.MODULES, ids=lambda module: str(module.name))
def test_every_package_is_a_tool_of_its_go_mod_so_that_tidying_keeps_it(
    module: catalog.Module,
) -> None:
    text = (module.folder / "go.mod").read_text()

    missing = [package for package in module.binaries.values() if package not in f"{text} ."]

    assert missing == []


def test_staging_modules_are_all_of_the_release_that_kubernetes_is() -> None:
    text = (catalog.KUBERNETES.folder / "go.mod").read_text()
    replaced = [line.split()[-1] for line in text.splitlines() if "=> k8s.io/" in line]

    assert len(replaced) == 31
    assert set(replaced) == {catalog.version(catalog.KUBERNETES).replace("v1.", "v0.")}


def test_a_binary_is_found_in_its_module() -> None:
    assert catalog.module_of("kubelet") is catalog.KUBERNETES


def test_an_unknown_binary_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ClusterError, match=r"unknown binary 'docker'.*kubectl"):
        catalog.module_of("docker")


def test_kubernetes_is_told_its_version() -> None:
    flags = catalog.linker_flags(catalog.KUBERNETES)

    assert f"version.gitVersion={catalog.version(catalog.KUBERNETES)}" in flags
    assert "version.gitMajor=1" in flags


def test_helm_is_told_which_kubernetes_to_render_and_lint_for() -> None:
    words = catalog.linker_flags(catalog.HELM).split()
    major, minor = catalog.version(catalog.KUBERNETES).removeprefix("v").split(".")[:2]

    for package in ("chartutil", "lint/rules"):
        assert f"helm.sh/helm/v3/pkg/{package}.k8sVersionMajor={major}" in words
        assert f"helm.sh/helm/v3/pkg/{package}.k8sVersionMinor={minor}" in words


def test_helm_is_built_anew_for_another_kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    before, pinned = catalog.cache_folder(catalog.HELM, "linux-x86_64"), catalog.pinned_version

    def newer(go_mod: str, source: str) -> str:
        return "v1.99.1" if source == catalog.KUBERNETES.source else pinned(go_mod, source)

    monkeypatch.setattr(catalog, "pinned_version", newer)

    assert "chartutil.k8sVersionMinor=99 " in catalog.linker_flags(catalog.HELM)
    assert catalog.cache_folder(catalog.HELM, "linux-x86_64") != before


def test_other_modules_get_no_version_flags() -> None:
    assert catalog.linker_flags(catalog.module_of("kwok")) == "-s -w"


BASE = catalog.cache_key({"go.mod": b"a", "go.sum": b"b"}, "-s", "linux-x86_64")


def test_the_cache_key_does_not_depend_on_the_order_of_files() -> None:
    assert catalog.cache_key({"go.sum": b"b", "go.mod": b"a"}, "-s", "linux-x86_64") == BASE


@pytest.mark.parametrize(
    ("files", "flags", "platform"),
    [
        ({"go.mod": b"a", "go.sum": b"c"}, "-s", "linux-x86_64"),
        ({"go.mod": b"ab", "go.sum": b""}, "-s", "linux-x86_64"),
        ({"go.mod": b"a", "go.sum": b"b"}, "-w", "linux-x86_64"),
        ({"go.mod": b"a", "go.sum": b"b"}, "-s", "linux-aarch64"),
    ],
)
def test_the_cache_key_changes_with_whatever_changes_the_binary(
    files: dict[str, bytes], flags: str, platform: str
) -> None:
    assert catalog.cache_key(files, flags, platform) != BASE


def test_the_cache_folder_names_module_and_version() -> None:
    folder = catalog.cache_folder(catalog.KUBERNETES, "linux-x86_64")

    assert folder.startswith(f"kubernetes-{catalog.version(catalog.KUBERNETES)}-")
