# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.build import builder, golang
from sandbox.demo import user_cluster
from sandbox.errors import SandboxError
from sandbox.node import requirements
from sandbox.settings import CHECKOUT, PUBLIC_PORTS, Settings

GO = CHECKOUT / "sandbox" / "go"


def test_the_state_directory_comes_from_the_environment() -> None:
    assert Settings.from_environment({"RUNBOOK_STATE": "/somewhere", "HOME": "/home/me"}).state == Path(
        "/somewhere"
    )
    assert Settings.from_environment({"XDG_CACHE_HOME": "/cache", "HOME": "/home/me"}).state == Path(
        "/cache/runbook-release"
    )
    assert Settings.from_environment({"HOME": "/home/me"}).state == Path("/home/me/.cache/runbook-release")


def test_two_sandboxes_share_neither_ports_nor_cgroups() -> None:
    one, other = Settings(Path("/a")), Settings(Path("/b"), 100)
    assert one.identity != other.identity
    assert not {one.port(name) for name in PUBLIC_PORTS} & {other.port(name) for name in PUBLIC_PORTS}
    assert other.api_url == "https://127.0.0.1:26543"


@pytest.mark.parametrize(
    ("text", "version"),
    [("go1.26.8\n", (1, 26)), ("go1.27", (1, 27)), ("go1.9.1", (1, 9)), ("", (0, 0)), ("devel", (0, 0))],
)
def test_go_versions_compare_as_numbers(text: str, version: tuple[int, int]) -> None:
    assert golang.parse_version(text) == version
    assert (golang.parse_version(text) >= golang.MINIMUM) is (version >= (1, 26))


def test_every_staging_module_is_mapped_to_the_tag_beside_the_release() -> None:
    go_mod = (GO / "go.mod").read_text()
    version = builder.kubernetes_version(go_mod)
    replaced = [line.split() for line in go_mod.splitlines() if " => k8s.io/" in line]
    assert len(replaced) > 30
    assert {words[-1] for words in replaced} == {version.replace("v1.", "v0.", 1)}
    assert all(words[0] == words[2] for words in replaced)


def test_the_version_is_stamped_in_for_the_server_and_for_clients() -> None:
    flags = builder.linker_flags("v1.36.3")
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        assert f"-X {package}.gitVersion=v1.36.3 " in flags and f"-X {package}.gitMinor=36 " in flags


def test_a_go_mod_without_kubernetes_is_refused() -> None:
    with pytest.raises(SandboxError, match=r"does not name k8s.io/kubernetes"):
        builder.kubernetes_version("module x\n")


def test_programs_are_built_again_when_versions_or_their_source_change(tmp_path: Path) -> None:
    for file in ("go.mod", "go.sum"):
        (tmp_path / file).write_text((GO / file).read_text())
    before = builder.version_key(tmp_path)
    assert before == builder.version_key(GO)
    (tmp_path / "go.sum").write_text("")
    assert builder.version_key(tmp_path) != before

    program = builder.Program("one", "./one")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "main.go").write_text("package main")
    stamp = builder.sources_stamp(program, "-s", tmp_path)
    assert stamp == builder.sources_stamp(program, "-s", tmp_path)
    assert stamp != builder.sources_stamp(program, "-w", tmp_path)
    (tmp_path / "one" / "main.go").write_text("package main //")
    assert stamp != builder.sources_stamp(program, "-s", tmp_path)


def test_without_root_one_sentence_names_the_alternative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(SandboxError) as refusal:
        requirements.require_root()
    assert (
        "needs root" in str(refusal.value)
        and "make demo KUBECONFIG=" in str(refusal.value)
        and "\n" not in str(refusal.value)
    )
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(SandboxError, match="this is darwin.*make demo KUBECONFIG="):
        requirements.require_root()


def test_a_cluster_of_the_user_is_recognised(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    assert user_cluster.chosen(settings, {}) is None
    assert user_cluster.chosen(settings, {"KUBECONFIG": str(settings.kubeconfig)}) is None
    assert user_cluster.chosen(settings, {"KUBECONFIG": "/home/me/.kube/config"}) == "/home/me/.kube/config"
    assert user_cluster.registry({"REGISTRY": "registry.example.com/demo/"}) == "registry.example.com/demo"
    with pytest.raises(SandboxError, match="make demo KUBECONFIG=.* REGISTRY="):
        user_cluster.registry({})


def test_a_kubeconfig_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="KUBECONFIG=.*nothing-here cannot be used"):
        user_cluster.UserCluster(str(tmp_path / "nothing-here"))
