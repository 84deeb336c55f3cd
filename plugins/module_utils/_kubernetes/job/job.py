# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs a Job once and waits for it; one that another run has begun is waited for, not begun again."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import Conflict, NotFound, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..._common.yaml import load
from ..api.client import ClusterApi
from ..api.options import NAMESPACE, TEXTS, TIMEOUT
from ..api.port import KubeApi, Object, jobs
from ..release_state.lease import Lease
from ..workload.by_name import named
from ..workload.status import by_name
from . import spec
from .waiter import Ended, JobWaiter, JobWaitOptions, ended

CREATE, REPLACE, ATTACH, NOTHING = "create", "replace", "attach", "nothing"
_IN_CHECK_MODE = {
    CREATE: "would run",
    REPLACE: "would run again",
    ATTACH: "runs already; would wait for",
    NOTHING: "has succeeded already:",
}


@dataclasses.dataclass(frozen=True)
class SourceOptions:
    """What a Job is made from: the first of ``definition``, ``src``, ``workload`` and ``image`` that is given.

    :ivar src: YAML that holds a definition.
    :ivar container: the one of the workload; None: its first.
    """

    namespace: str
    definition: t.Any = None
    src: str | None = None
    workload: str | None = None
    image: str | None = None
    container: str | None = None


@dataclasses.dataclass(frozen=True)
class _Plan:
    """The step from the live Job of this name to the desired one."""

    namespace: str
    desired: Object
    live: Object | None
    step: str

    @property
    def name(self) -> str:
        return t.cast(str, self.desired["metadata"]["name"])


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    namespace = params["namespace"]
    of_source = ("namespace", "definition", "src", "workload", "image", "container")
    options = SourceOptions(**{name: params[name] for name in of_source})
    request = spec.JobRequest(**{name: params[name] for name in spec.REQUEST})
    desired = spec.body(source(api, options), request)
    listing = api.get(jobs(namespace))
    live = by_name(listing).get(desired["metadata"]["name"])
    planned = _Plan(namespace, desired, live, plan(desired, live, namespace, params["rerun"]))
    after = {"job": planned.name, **spec.shown(desired, params["container"])}
    if context.check_mode:
        return _would_run(api, context, planned, after)
    if planned.step == NOTHING:
        return Result(False, values=_unwaited(planned.name, "succeeded", 0))
    lock = Lease(api, namespace, params["release"] or "", context)
    has_lock = params["lock_token"] is not None
    if has_lock:
        lock.take_or_confirm(params["lock_token"], False)
    job = _begin(api, planned)
    of_wait = ("namespace", "container", "timeout", "stuck_after", "log_lines")
    waiter = JobWaiter(api, context, job, JobWaitOptions(**{name: params[name] for name in of_wait}))
    beginning = "was begun by an earlier run and goes on" if planned.step == ATTACH else "begun"
    context.say(f"{waiter.name}: {beginning}, {after.get('image', '')}")
    try:
        renew_if_due = lock.renew_if_due if has_lock else lambda: None
        waiter.until_ended(listing["metadata"]["resourceVersion"], renew_if_due)
        end = t.cast("Ended", waiter.ended)
        result = waiter.as_result()
        if not end.succeeded:
            raise waiter.failure(_failed(result, end, params["timeout"]))
    except ReleaseError as exc:
        if params["cleanup"] == "always":
            raise _removed(api, namespace, waiter, exc) from exc
        raise _left(waiter, exc, params["timeout"]) from exc
    context.say(f"{waiter.name}: succeeded after {result['seconds']} s")
    if params["cleanup"] != "never":
        delete(api, namespace, job)
    return Result(True, {}, after, {**result, "state": "succeeded"})


def plan(desired: Object, live: Object | None, namespace: str, rerun: bool) -> str:
    """The step to take, given the live Job of this name.

    :param rerun: run again what has succeeded already.
    """
    if live is None:
        return CREATE
    live_hash = (live["metadata"].get("annotations") or {}).get(spec.HASH)
    is_same = live_hash == desired["metadata"]["annotations"][spec.HASH]
    end = ended(live)
    if end is None and is_same:
        return ATTACH
    if end is None:
        name = desired["metadata"]["name"]
        reason = "it was not made by this module"
        if live_hash is not None:
            reason = "its content is not what this task describes"
        raise Conflict(
            f"A Job named {name} runs already, and does something else; nothing was changed.",
            why=[reason],
            then=f"kubectl -n {namespace} describe job {name}; wait for it, or give this one another name",
        )
    return NOTHING if is_same and end.succeeded and not rerun else REPLACE


def source(api: KubeApi, options: SourceOptions) -> spec.Source:
    if options.definition is not None:
        return spec.from_definition(options.definition, "definition")
    if options.src is not None:
        return spec.from_definition(load(options.src, "src"), f"src ({options.src})")
    if options.workload is not None:
        workload = named(api, options.namespace, "workload", options.workload, cron=True)
        if workload["kind"] == "CronJob":
            return spec.from_cron_job(workload)
        return spec.from_workload(workload, options.container)
    return spec.from_image(t.cast(str, options.image))


def _would_run(api: KubeApi, context: Context, planned: _Plan, after: dict[str, t.Any]) -> Result:
    if planned.step in (CREATE, REPLACE):
        dry_run(api, planned.namespace, planned.desired)
    context.say(f"{_IN_CHECK_MODE[planned.step]} {planned.name}")
    if planned.step == NOTHING:
        return Result(False, values=_unwaited(planned.name, "succeeded", 0))
    return Result(True, {}, after, _unwaited(planned.name, "planned", None))


def dry_run(api: KubeApi, namespace: str, desired: Object) -> None:
    """Lets the server judge the Job, with quota and admission. The dry run
    has a name of its own, since the old Job may still exist.
    """
    metadata = {key: value for key, value in desired["metadata"].items() if key != "name"}
    metadata["generateName"] = f"{desired['metadata']['name'][:50]}-"
    api.post(jobs(namespace), {**desired, "metadata": metadata}, dry_run=True)


def _begin(api: KubeApi, planned: _Plan) -> Object:
    """The Job that is waited for."""
    namespace = planned.namespace
    if planned.step == ATTACH:
        return t.cast("Object", planned.live)
    if planned.step == REPLACE and planned.live is not None:
        delete(api, namespace, planned.live)
    try:
        return api.post(jobs(namespace), planned.desired)
    except Conflict as exc:
        # Our own request, sent again because its answer was lost, meets
        # what it wrote; or another run was quicker with the same. A Job that
        # runs is attached to whatever ``rerun`` says.
        live = by_name(api.get(jobs(namespace))).get(planned.name)
        if live and plan(planned.desired, live, namespace, rerun=False) == ATTACH:
            return live
        raise exc


def delete(api: KubeApi, namespace: str, job: Object, policy: str = "Background") -> None:
    """Deletes this very Job, not another one that has taken its name since.

    :param policy: "Foreground" keeps it in sight until its pods have gone.
    """
    metadata = job["metadata"]
    options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
    if "uid" in metadata:
        options["preconditions"] = {"uid": metadata["uid"]}
    try:
        api.delete(f"{jobs(namespace)}/{metadata['name']}", options)
    except (NotFound, Conflict):
        return  # gone, or another one of the same name: not ours any more


def _removed(api: KubeApi, namespace: str, waiter: JobWaiter, error: ReleaseError) -> ReleaseError:
    """The same failure, after its Job was removed."""
    delete(api, namespace, waiter.job)
    error.done = f"Job {waiter.name} and its pods were removed (cleanup=on_success keeps them for inspection)"
    error.then = f"correct the cause, then run it again; kubectl -n {namespace} get events --field-selector type=Warning"
    return error


def _left(waiter: JobWaiter, error: ReleaseError, timeout: int) -> ReleaseError:
    """The same failure, with what becomes of a Job that still runs."""
    if not waiter.ended:
        error.done = f"Job {waiter.name} was left; it ends by itself {timeout} s after its start"
    return error


def _failed(result: t.Mapping[str, t.Any], end: Ended, timeout: int) -> str:
    if end.reason == "DeadlineExceeded":
        return f"Job {result['job']} did not end within its timeout of {timeout} s and was ended."
    code = "" if result["exit_code"] is None else f" with exit code {result['exit_code']}"
    tries = f" in each of {result['tries']} tries" if result["tries"] > 1 else ""
    return f"Job {result['job']} failed{code}{tries} after {result['seconds']} s."


def _unwaited(name: str, state: str, exit_code: int | None) -> dict[str, t.Any]:
    """The result for a Job that was not waited for."""
    return {"job": name, "state": state, "exit_code": exit_code, "log": []}


OPERATION = Operation(
    {
        **NAMESPACE,
        **TIMEOUT,
        "name": Option("str", REQUIRED),
        "release": Option("str"),
        "lock_token": Option("int", secret=False),
        "definition": Option("dict"),
        "src": Option("path"),
        **spec.OPTIONS,
        "command": TEXTS,
        "args": TEXTS,
        "retries": Option("int", low=0),
        "ttl": Option("int", low=0),
        "stuck_after": Option("int", 60, low=1),
        "cleanup": Option("str", "always", choices=["always", "on_success", "never"]),
        "rerun": Option("bool", False),
        "log_lines": Option("int", 20, low=0),
    },
    ClusterApi,
    run,
    {
        "mutually_exclusive": [["definition", "src", "workload"]],
        "required_one_of": [["definition", "src", "workload", "image"]],
        "required_by": {"lock_token": ["release"]},
    },
)
