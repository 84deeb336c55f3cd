# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""README's quick start, done as it says: the artifact in an
empty home, a repository of one import line, one release.

The commands and files are taken from README, so the text cannot rot. The checkout is out of
reach meanwhile: everything runs in a mount namespace where an empty file system lies over it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import pytest

from tests.gates import artifact, venvs
from tests.integration.support.playbooks.demo_platform import Playbooks

README = (venvs.ROOT / "README.md").read_text()
# What the artifact may hold. Everything else of the checkout is for working on the collection.
PUBLISHED = {
    "CHANGELOG.rst", "CONTRIBUTING.md", "COPYING", "FILES.json", "LICENSES", "MANIFEST.json", "README.md", "REUSE.toml",
    "changelogs", "docs", "meta", "playbooks", "plugins", "roles",
}  # fmt: skip


def yaml_after(words: str) -> str:
    """The YAML block that follows these words in README."""
    found = re.search(rf"{re.escape(words)}.*?```yaml\n(.*?)```", README, re.S)
    assert found, f"README has no YAML after: {words}"
    return found.group(1)


def command(beginning: str) -> list[str]:
    """The command of README that begins so."""
    (found,) = {line.strip() for line in README.splitlines() if line.startswith(f"    {beginning}")}
    return shlex.split(found)


class Repository:
    """A user's repository and home on a machine that has Ansible and no checkout."""

    def __init__(self, folder: Path, built: Path) -> None:
        self.folder = folder / "repository"
        self.home = folder / "home"
        for made in (self.folder / "build", self.folder / "inventory", self.home):
            made.mkdir(parents=True)
        shutil.copy(built, self.folder / "build")
        (self.folder / "release.yml").write_text(yaml_after("`release.yml`, all of it:"))

    def run(self, arguments: t.Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
        hide = 'mount -t tmpfs none "$0" && test ! -e "$0/galaxy.yml" && exec "$@"'
        namespace = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return subprocess.run(
            [*namespace, "sh", "-c", hide, str(venvs.ROOT), *arguments],
            cwd=self.folder,
            env={"HOME": str(self.home), "PATH": path, "LC_ALL": "C.UTF-8", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def install(self) -> None:
        done = self.run(command("ansible-galaxy collection install"))
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return artifact.build(tmp_path_factory.mktemp("built"))


def test_the_artifact_holds_only_what_is_published(built: Path) -> None:
    with tarfile.open(built) as archive:
        names = archive.getnames()
    assert {name.split("/")[0] for name in names} <= PUBLISHED
    assert {"meta/runtime.yml", "playbooks/release.yml", "plugins/modules/kube_rollout.py"} <= set(names)
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []
    assert [name for name in names if name.startswith("changelogs/fragments")] == []


def test_the_inventory_of_the_readme_is_accepted(built: Path, tmp_path: Path) -> None:
    user = Repository(tmp_path, built)
    user.install()
    (user.folder / "inventory" / "hosts.yml").write_text(yaml_after("`inventory/hosts.yml`"))
    (user.folder / "check.yml").write_text(
        "- hosts: release_targets\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.include_role: {name: runbook.release.platform}\n"
        "    - ansible.builtin.debug: {msg: \"{{ platform_description.waves | flatten | join(' then ') }}\"}\n"
    )
    done = user.run(["ansible-playbook", "check.yml", "-i", "inventory", "-e", "release_version=1.1.0"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "auth then wallet" in done.stdout


def test_the_quick_start_releases_the_platform(built: Path, tmp_path: Path, playbooks: Playbooks) -> None:
    user = Repository(tmp_path, built)
    user.install()
    shutil.copytree(venvs.ROOT / "inventories" / "sandbox", user.folder / "inventory", dirs_exist_ok=True)
    there = {name: playbooks.environment[name] for name in ("KUBECONFIG", "DEMO_REGISTRY", "DEMO_URL")}
    plan = command("ansible-playbook release.yml -i inventory -e release_version=1.1.0 --check")
    release = [part for part in plan if part not in ("--check", "--diff")]
    planned = user.run(plan, **there)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    done = user.run(release, **there)
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = (user.folder / "release-reports").glob("*1.1.0*.md")
    assert str(report.relative_to(user.folder)) in done.stdout
    again = user.run(release, **there)
    assert re.search(r"sandbox +: .*changed=0 .*failed=0", again.stdout), again.stdout + again.stderr
