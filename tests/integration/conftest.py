# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the integration tests stand on: the sandbox (or the
cluster of KUBECONFIG), the demo platform, load, playbooks.
"""

from __future__ import annotations

import contextlib
import fcntl
import typing as t
import uuid
from pathlib import Path

import pytest
import yaml
from xdist.scheduler import LoadScopeScheduling

from sandbox.build.builder import ALL, Builder
from sandbox.demo import demo_target, user_cluster
from sandbox.demo.demo_services import BAD, BROKEN_SERVICE, FIRST, GOOD, LAST_WORDS, Image
from sandbox.demo.images import Images
from sandbox.locking import locked
from sandbox.node import start
from sandbox.settings import Settings
from tests.gates.cost_plugin import CostPlugin
from tests.integration.support import tiers
from tests.integration.support.engines import db_migrate, flyway, golang_migrate
from tests.integration.support.kubectl import Kubectl
from tests.integration.support.playbooks import playbook_forkserver
from tests.integration.support.playbooks.database_phases import Phases
from tests.integration.support.playbooks.runner import PlaybookRunner, ansible_environment
from tests.integration.support.playbooks.tasks import Tasks
from tests.integration.support.running_sandbox import Sandbox
from tests.integration.support.servers import databases

ALONE = pytest.StashKey[contextlib.ExitStack]()


class Folders(LoadScopeScheduling):
    """Gives the workers of a run (`-n 2`) whole folders: the tests of one folder may share a server, a node or the
    demo platform and run one after the other; those of two folders may run beside each other.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: t.Any) -> Folders:
    return Folders(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """One run at a time. The workers of a run (`-n 2`) stand under the lock of the process that started them."""
    config.addinivalue_line("markers", f"{tiers.MARK}: {tiers.DESCRIPTION}")
    if not config.option.markexpr:
        config.option.markexpr = f"not {tiers.MARK}"
    config.addinivalue_line(
        "markers", "alone: it disturbs the whole cluster, or inspects all of it; tests of other workers wait"
    )
    config.pluginmanager.register(CostPlugin(playbook_forkserver.processor_seconds), "costs")
    config.stash[ALONE] = alone = contextlib.ExitStack()
    if not (hasattr(config, "workerinput") or config.option.collectonly):
        alone.enter_context(
            locked(
                Settings.from_environment().state / "tests.lock",
                "Another test run uses the demo platform; waiting for it.",
            )
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[ALONE].close()


@pytest.fixture(autouse=True)
def cluster_access(request: pytest.FixtureRequest) -> t.Iterator[None]:
    """A test that is alone on the cluster waits for those under way, and holds up those that come after it."""
    state = Settings.from_environment().state
    how = fcntl.LOCK_EX if request.node.get_closest_marker("alone") else fcntl.LOCK_SH
    with (state / "tests-cluster.lock").open("w") as cluster:
        with locked(state / "tests-next.lock", "Waiting for a test that wants the cluster for itself."):
            fcntl.flock(cluster, how)
        yield


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """Started, or repaired, once; it stays up afterwards, for the next run and to look around."""
    settings = Settings.from_environment()
    if kubeconfig := user_cluster.chosen(settings):
        return Sandbox(settings, demo_target.in_user_cluster(settings, kubeconfig))
    Builder(settings).ensure(ALL)
    return Sandbox(settings, demo_target.in_sandbox(start.bring_up(settings)))


@pytest.fixture
def kubectl(sandbox: Sandbox) -> Kubectl:
    return Kubectl(sandbox.kubectl, sandbox.kubeconfig)


@pytest.fixture(scope="session")
def task_image(sandbox: Sandbox) -> str:
    """An image whose program (/exchange, as in all of them) does what its arguments say: sandbox/go/task."""
    programs, images = Builder(sandbox.settings).ensure(("task",)), sandbox.demo.images
    image = Image("task", FIRST)
    Images(images.run, images.registry, programs / "task", sandbox.settings.root / "task-image").publish(
        [image]
    )
    return image.reference(images.registry)


@pytest.fixture(scope="session")
def registry(sandbox: Sandbox) -> str:
    """With the images of the demo platform that tests run in namespaces of their own."""
    for image in (
        Image("auth", FIRST),
        Image("auth", GOOD),
        Image(BROKEN_SERVICE, BAD, {"FAULT_EXIT_AT_START": "3", "FAULT_LAST_WORDS": LAST_WORDS}),
    ):
        sandbox.demo.publish(image)
    return str(sandbox.demo.images.registry)


@pytest.fixture
def space(sandbox: Sandbox) -> t.Iterator[Kubectl]:
    """A namespace for the test alone."""
    there = Kubectl(sandbox.kubectl, sandbox.kubeconfig, f"runbook-test-{uuid.uuid4().hex[:8]}")
    there("create", "namespace", there.namespace)
    yield there
    there("delete", "namespace", there.namespace, "--wait=false")


@pytest.fixture
def tasks(space: Kubectl, sandbox: Sandbox, tmp_path: Path) -> Tasks:
    return Tasks(space.namespace, PlaybookRunner(ansible_environment(sandbox.kubeconfig)), tmp_path)


@pytest.fixture
def database(sandbox: Sandbox) -> t.Iterator[databases.Database]:
    """A database for the test alone, empty."""
    made = databases.fresh(sandbox.settings)
    yield made
    made.drop()


@pytest.fixture(scope="session")
def migrate_program() -> Path:
    """golang-migrate."""
    return golang_migrate.built(Settings.from_environment())


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """db-migrate with its driver."""
    return db_migrate.installed(Settings.from_environment())


@pytest.fixture(scope="session")
def flyway_program() -> Path:
    """Flyway, in its free edition."""
    return flyway.fetched(Settings.from_environment())


@pytest.fixture
def redis(sandbox: Sandbox) -> databases.Redis:
    return databases.Redis(sandbox.settings.port("redis"))


@pytest.fixture
def bucket(sandbox: Sandbox) -> t.Iterator[databases.Bucket]:
    """A bucket for the test alone, empty."""
    made = databases.fresh_bucket(sandbox.settings)
    yield made
    made.empty()


@pytest.fixture
def data_tasks(sandbox: Sandbox, tmp_path: Path) -> Tasks:
    """Tasks that have nothing to do with Kubernetes."""
    return Tasks("", PlaybookRunner(ansible_environment(sandbox.kubeconfig)), tmp_path)


@pytest.fixture
def phases(
    sandbox: Sandbox, database: databases.Database, bucket: databases.Bucket, tmp_path: Path
) -> Phases:
    database.fill(2000)
    variables = {
        "release_database": database.login,
        "release_backup": {"store": bucket.store, "tags": {"team": "exchange"}},
    }
    return Phases(tmp_path, PlaybookRunner(ansible_environment(sandbox.kubeconfig)), variables)


@pytest.fixture
def account(space: Kubectl, sandbox: Sandbox, tmp_path: Path) -> t.Callable[..., Path]:
    """Makes a kubeconfig of an account that has these Roles, and nothing else."""

    def make(*roles: dict[str, t.Any]) -> Path:
        space.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "releaser"}})
        subjects = [{"kind": "ServiceAccount", "name": "releaser", "namespace": space.namespace}]
        for role in roles:
            group, name = role["apiVersion"].partition("/")[0], role["metadata"]["name"]
            reference = {"apiGroup": group, "kind": role["kind"], "name": name}
            # A ClusterRole for what belongs to no namespace is bound in
            # all of them; the sandbox's tests never leave it behind.
            binding = {
                "apiVersion": role["apiVersion"],
                "kind": f"{role['kind']}Binding",
                "metadata": {"name": name},
                "roleRef": reference,
                "subjects": subjects,
            }
            space.apply(role, binding)
        config = yaml.safe_load(sandbox.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": space("create", "token", "releaser").strip()}
        path = tmp_path / "account.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    return make
