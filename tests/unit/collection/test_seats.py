# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the product is extended by has a seat: one new file, and one line of the list that names it.

Each test follows a recipe of docs/architecture.md in a copy of the collection, and uses what it added there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.unit.collection._docs import ROOT

CORE = "ansible_collections/runbook/release/plugins/module_utils"
STRATEGY = '''
"""A pause after the first pod."""

from __future__ import annotations

import typing as t

from ...._common.options import Option
from ...api.port import Object
from ...workload.fields import values
from .base import Available, Condition, Hold, Service, ServiceRollout, Settled, Step, Strategy


class FirstPod(Strategy):
    name = "first_pod"
    HELP = "Stops for a while after the first pod."
    OPTIONS = {"hold": Option("int", 60, "Seconds to hold after the first pod.", low=0)}

    def plan(self, service: Service, live: Object) -> list[Step]:
        return [
            Step("first pod", {**values.desired(service), ("paused",): False}),
            Step("hold", {("paused",): True}),
            Step("others", {("paused",): False}),
        ]

    def run(self, rollout: ServiceRollout) -> t.Iterator[Condition]:
        waits: dict[str, Condition] = {"first pod": Available(1), "hold": Hold(1), "others": Settled()}
        for step in rollout.steps_left:
            rollout.patch(step)
            yield waits[step.name]
'''
CHECK = '''
"""Whether a name resolves."""

from __future__ import annotations

import socket
import typing as t

from ..._common.errors import Unavailable
from ..._common.operation import Context
from ..._common.options import Option
from .base import Assessment, Check, CheckValues, Ports


class DnsCheck(Check):
    kind = "dns"
    ADDRESS = Option("str", help="A name.")
    OPTIONS = {"addresses": Option("int", low=1)}

    def ask(self, ports: Ports, check: CheckValues, context: Context) -> tuple[t.Any, float]:
        began = context.clock.now()
        try:
            found = socket.getaddrinfo(check[self.kind], None)
        except OSError as exc:
            raise Unavailable(f"{check[self.kind]} does not resolve.", why=[str(exc)]) from exc
        return {entry[4][0] for entry in found}, context.clock.now() - began

    def judge(self, answer: t.Any, check: CheckValues) -> Assessment:
        few = check["addresses"] is not None and len(answer) < check["addresses"]
        return Assessment([f"has {len(answer)} addresses, at least {check['addresses']} required"] if few else [])
'''
ENGINE = '''
"""Migrations of another program."""

from __future__ import annotations

from .sql import SqlEngine


class OtherEngine(SqlEngine):
    """As the engine sql, under a name of its own."""
'''


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """A copy of the collection, to be extended; the folder that Python finds it in."""
    copy = tmp_path / "ansible_collections/runbook/release"
    shutil.copytree(ROOT / "plugins", copy / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("meta", "galaxy.yml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
    return tmp_path


def add(collection: Path, folder: str, name: str, text: str, line: tuple[str, str, str]) -> None:
    """A new file, and the line in the list beside it: an import, and the name among those that are there.

    :param line: the import, and what is replaced by what in the list.
    """
    seat = collection / CORE / folder
    (seat / f"{name}.py").write_text(text)
    registry = seat / "registry.py"
    imported, old, new = line
    content = registry.read_text()
    assert content.count(old) == 1, f"{old} is not once in {registry}"
    registry.write_text(content.replace(old, new).replace("from .base", f"{imported}\nfrom .base", 1))


def run(collection: Path, script: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(collection), "ANSIBLE_COLLECTIONS_PATH": str(collection)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=environment,
        cwd=collection,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def play(collection: Path, task: dict[str, object]) -> str:
    """One task by ansible-playbook; its output, whatever came of it."""
    playbook = collection / "play.yml"
    tasks = [{**task, "register": "result"}, {"debug": {"var": "result"}}]
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(collection),
        "ANSIBLE_HOME": str(collection / "home"),
    }
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        str(playbook),
        "-i",
        "localhost,",
        "-c",
        "local",
    ]
    done = subprocess.run(
        command, env=environment, cwd=collection, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_a_strategy_is_a_new_file_and_a_line_of_its_list(collection: Path) -> None:
    line = ("from .first_pod import FirstPod", "(DEFAULT, Recreate())", "(DEFAULT, Recreate(), FirstPod())")
    add(collection, "_kubernetes/rollout/strategies", "first_pod", STRATEGY, line)
    services = [{"name": "auth", "strategy": "first_pod", "first_pod": {"hold": 5}}]
    variables = {
        "release_platform": "shop",
        "release_version": "1.0",
        "release_registry": "r.example.com",
        "release_services": services,
    }
    output = play(collection, {"runbook.release.platform_info": {"variables": variables}})
    assert '"strategy": "first_pod"' in output and '"hold": 5' in output, output
    services[0]["first_pod"] = {"hold": -1, "hodl": 3}
    output = play(collection, {"runbook.release.platform_info": {"variables": variables}})
    assert "first_pod.hold: found -1 (integer); allowed: an integer from 0" in output, output
    assert "first_pod.hodl: unknown key (did you mean hold?)" in output, output
    script = """
        import sys
        sys.path.insert(0, {root!r})
        import tests.unit.plugins.module_utils._kubernetes.cluster as fake
        from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout import rollout
        cluster = fake.Cluster(["auth"])
        service = fake.workload("auth", images={{"auth": fake.image("auth", "1.1.0")}}, strategy="first_pod")
        given, lines = fake.context(cluster, {{"release": "1.1.0", "workloads": [service]}})
        rollout.run(cluster, given)
        print(lines, cluster.images())
    """
    output = run(collection, script.format(root=str(ROOT)))
    assert "auth: paused" in output and "auth: resumed" in output and "{'auth': '1.1.0'}" in output, output


def test_a_check_is_a_new_file_and_a_line_of_its_list(collection: Path) -> None:
    line = ("from .dns import DnsCheck", "(TcpCheck(),", "(DnsCheck(), TcpCheck(),")
    add(collection, "_gate/checks", "dns", CHECK, line)
    checks = [{"dns": "localhost"}, {"name": "many", "dns": "localhost", "addresses": 9}]
    output = play(collection, {"runbook.release.service_info": {"checks": checks, "attempts": 1}})
    assert "localhost: ok" in output and "at least 9 required" in output, output
    wrong = [{"tcp": "localhost:1", "addresses": 2}]
    output = play(collection, {"runbook.release.service_info": {"checks": wrong}})
    assert "checks[0].addresses: found with tcp; allowed: only with dns" in output, output


def test_a_migration_engine_is_a_new_file_and_a_line_of_its_list(collection: Path) -> None:
    line = (
        "from .other import OtherEngine",
        '    "sql": SqlEngine,',
        '    "sql": SqlEngine,\n    "other": OtherEngine,',
    )
    add(collection, "_postgresql/migration/engines", "other", ENGINE, line)
    script = """
        from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration import run
        print(run.OPERATION.argument_spec["engine"]["choices"])
    """
    assert "'other'" in run(collection, script)
