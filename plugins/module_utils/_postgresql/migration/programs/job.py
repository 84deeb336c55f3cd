# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs the program of an engine in a Job created from the image of a
service. The lock of the database stays here, with all that is decided.

Every Job carries the name of its database in a label. Whoever holds the lock of the
database knows that the run which has begun such a Job is gone: it waits for its end
before anything else, or ends it. Nobody else touches it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import posixpath
import typing as t
import uuid

from ...._common.errors import Conflict, ReleaseError
from ...._common.operation import Context
from ...._kubernetes.api.client import ClusterApi
from ...._kubernetes.api.port import KubeApi, Object, jobs, secrets
from ...._kubernetes.job import job
from ...._kubernetes.job import waiter as job_wait
from ...._kubernetes.job.spec import Source
from ...._kubernetes.job.waiter import JobWaiter, JobWaitOptions
from ...login import Login
from ..engines.base import EngineOptions
from ..job_options import JobOptions, reached
from . import job_spec as spec
from .supervised import ANSWER_MARK, AbandonedRun, ProgramPurpose, ProgramResult

# Enough for the answer of a program and the end of its output.
_LOG_LINES = 2000
_GONE_WITHIN = 60.0
# Exit codes above this one mean that the program was killed, by the kernel or by somebody.
_KILLED = 128


def cluster(context: Context, job: dict[str, t.Any]) -> KubeApi:
    """The cluster that the option ``job`` names."""
    return ClusterApi(dataclasses.replace(context, params=job))


class JobPrograms:
    """Programs in Jobs.

    :param options: the option ``job``.
    :param engine: where the files are here, and which release they belong to.
    :param environment: libpq's variables in it stand for parameters that the login lacks.
    :param token: makes a new name for each run.
    """

    def __init__(
        self,
        api: KubeApi,
        context: Context,
        options: JobOptions,
        engine: EngineOptions,
        environment: t.Mapping[str, str],
        token: t.Callable[[], str] = lambda: uuid.uuid4().hex[:8],
    ) -> None:
        self._api, self._context, self._environment, self._token = api, context, environment, token
        self._options, self._engine = options, engine
        self._namespace: str = options.namespace
        self._src = os.path.abspath(engine.src)
        self._source: Source | None = None
        self._at_work = ""

    def path(self, path: str) -> str:
        inside = os.path.relpath(path, self._src).replace(os.sep, "/")
        return posixpath.normpath(posixpath.join(self._options.src, inside))

    def login(self, login: Login) -> Login:
        found = reached(self._options, login, self._environment)
        self._context.redact.learn(found.parameters.get("password"))
        return found

    def check(self) -> None:
        trial = self._desired_job(
            ProgramPurpose(Login({}), "check", "up"),
            [self._engine.program or "true"],
            [],
            self._options.src,
            60,
        )
        job.dry_run(self._api, self._namespace, trial)
        empty = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"generateName": "migrate-"},
            "type": "Opaque",
        }
        self._api.post(secrets(self._namespace), empty, dry_run=True)

    def run(
        self,
        arguments: t.Sequence[str],
        environment: t.Mapping[str, str],
        folder: str,
        seconds: float,
        purpose: ProgramPurpose,
    ) -> ProgramResult:
        if seconds < 1:
            return ProgramResult(None, "", "")
        desired = self._desired_job(purpose, arguments, environment, self.path(folder), int(seconds))
        version = self._api.get(jobs(self._namespace))["metadata"]["resourceVersion"]
        # Set before the Job exists, so that a run that is ended in between deletes it by its name.
        self._at_work = desired["metadata"]["name"]
        created = self._create(desired)
        try:
            with contextlib.suppress(Conflict):  # our own request was sent again, because its answer was lost
                self._api.post(secrets(self._namespace), spec.secret(created, environment))
            ended = self._watch(created, version, seconds, lambda: None)
        except BaseException as exc:
            self._end(created)
            if isinstance(exc, ReleaseError):
                exc.done = f"Job {created['metadata']['name']}, its pod and its Secret were removed"
            raise
        self._end(created, wait=ended.code is None)
        return ended

    def at_work(self, login: Login) -> list[str]:
        return [live["metadata"]["name"] for live in self._jobs_of(login)["items"]]

    def recover_abandoned(self, login: Login, seconds: float) -> list[AbandonedRun]:
        end = self._context.clock.now() + seconds
        listing = self._jobs_of(login)
        return [self._recover(live, listing["metadata"]["resourceVersion"], end) for live in listing["items"]]

    def abandon(self) -> None:
        if self._at_work:
            with contextlib.suppress(ReleaseError):
                job.delete(self._api, self._namespace, {"metadata": {"name": self._at_work}})

    def _recover(self, live: Object, version: str, end: float) -> AbandonedRun:
        meta, clock = live["metadata"], self._context.clock
        annotations = meta.get("annotations") or {}
        ended = ProgramResult(None, "", "")

        def in_time() -> None:
            if clock.now() > end:
                raise ReleaseError(f"Job {meta['name']} did not end within timeout.")

        if not meta.get("deletionTimestamp"):
            self._context.say(
                f"Job {meta['name']} was started by a run that no longer exists; waiting for it to end"
            )
            try:
                ended = self._watch(live, version, end - clock.now(), in_time)
            except ReleaseError as exc:
                self._context.say(f"{exc.what} It is removed")
        self._end(live)
        return AbandonedRun(annotations.get(spec.MIGRATION, ""), annotations.get(spec.DIRECTION, ""), ended)

    def _desired_job(
        self,
        purpose: ProgramPurpose,
        arguments: t.Sequence[str],
        variables: t.Iterable[str],
        folder: str,
        seconds: int,
    ) -> Object:
        if self._source is None:
            names = ("workload", "image", "container")
            given = {name: self._options.template[name] for name in names}
            self._source = job.source(self._api, job.SourceOptions(self._namespace, **given))
        run = spec.ProgramRun(
            purpose, self._engine.release, self._token(), arguments, tuple(variables), folder, seconds
        )
        return spec.body(self._source, self._options, run)

    def _create(self, desired: Object) -> Object:
        try:
            return self._api.post(jobs(self._namespace), desired)
        except Conflict:
            live = self._find(desired["metadata"]["name"])
            # Our own request was sent again, because its answer was lost.
            run = desired["metadata"]["annotations"][spec.RUN]
            if live and (live["metadata"].get("annotations") or {}).get(spec.RUN) == run:
                return live
            self._at_work = ""
            raise

    def _watch(self, live: Object, version: str, seconds: float, keep: t.Callable[[], None]) -> ProgramResult:
        """Waits until the program has ended, or its deadline has ended it. All else is a failure as of kube_job."""
        options = JobWaitOptions(
            self._namespace,
            self._options.container,
            int(seconds),
            self._options.stuck_after,
            _LOG_LINES,
        )
        wait = JobWaiter(self._api, self._quiet(), live, options)
        wait.until_ended(version, keep)
        end, output = t.cast(job_wait.Ended, wait.ended), "\n".join(wait.log)
        code = wait.exit_code
        if end.succeeded:
            return ProgramResult(0, output, "")
        if end.reason == "DeadlineExceeded":
            return ProgramResult(None, output, "")
        if code is None or code >= _KILLED:
            raise wait.failure(f"Job {wait.name} was ended before its program had finished.")
        return ProgramResult(code, output, "")

    def _quiet(self) -> Context:
        """Shows no lines that are answers of programs."""

        def show(line: str) -> None:
            if ANSWER_MARK not in line:
                self._context.show(line)

        return dataclasses.replace(self._context, show=show)

    def _end(self, live: Object, wait: bool = True) -> None:
        """Deletes a Job with its pods and its Secret.

        :param wait: whether to wait until its program has ended.
        """
        job.delete(self._api, self._namespace, live, "Foreground" if wait else "Background")
        self._at_work = ""
        clock = self._context.clock
        name, began = live["metadata"]["name"], clock.now()
        while wait and (found := self._find(name)) and found["metadata"]["uid"] == live["metadata"]["uid"]:
            if clock.now() - began > _GONE_WITHIN:
                raise ReleaseError(
                    f"Job {name} was removed, but its pod does not end.",
                    then=f"kubectl -n {self._namespace} get pods -l job-name={name}; delete it with --force if its node is dead, then run this again",
                )
            clock.sleep(0.2)

    def _find(self, name: str) -> Object | None:
        """Reads it by a list, which the account may read for the watch anyway."""
        items = self._api.get(f"{jobs(self._namespace)}?fieldSelector=metadata.name%3D{name}")["items"]
        return items[0] if items else None

    def _jobs_of(self, login: Login) -> Object:
        return self._api.get(
            f"{jobs(self._namespace)}?labelSelector={spec.DATABASE}%3D{spec.database_id(self.login(login))}"
        )
