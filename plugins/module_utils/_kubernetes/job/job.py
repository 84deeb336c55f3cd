# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs a Job once and waits for it; one that another run has begun is taken up, not begun again."""

from __future__ import annotations

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


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    wanted = spec.body(source(api, params), params)
    listing = api.get(jobs(params["namespace"]))
    there = by_name(listing).get(wanted["metadata"]["name"])
    step = plan(wanted, there, params)
    after = {"job": wanted["metadata"]["name"], **spec.shown(wanted, params["container"])}
    if context.check_mode:
        return _would(api, context, step, wanted, after)
    if step == NOTHING:
        return Result(False, values=_told(wanted, "succeeded", 0))
    lock = Lease(api, params["namespace"], params["release"] or "", context)
    if params["lock_token"] is not None:
        lock.take_or_confirm(params["lock_token"], False)
    job = t.cast("Object", there) if step == ATTACH else _begin(api, context, step, wanted, there)
    wait = JobWaiter(api, context, job, _wait_options(params))
    context.say(
        f"{wait.name}: {'was begun by an earlier run and goes on' if step == ATTACH else 'begun'}, {after.get('image', '')}"
    )
    try:
        wait.until_ended(
            listing["metadata"]["resourceVersion"],
            lock.renew_if_due if params["lock_token"] is not None else lambda: None,
        )
        end, told = t.cast("Ended", wait.ended), wait.as_result()
        if not end.succeeded:
            raise wait.failure(_what(told, end, params))
    except ReleaseError as exc:
        raise _removed(api, context, wait, exc) from exc
    context.say(f"{wait.name}: succeeded after {told['seconds']} s")
    if params["cleanup"] != "never":
        delete(api, params["namespace"], job)
    return Result(True, {}, after, {**told, "state": "succeeded"})


def _wait_options(params: t.Mapping[str, t.Any]) -> JobWaitOptions:
    names = ("namespace", "container", "timeout", "stuck_after", "log_lines")
    return JobWaitOptions(**{name: params[name] for name in names})


def plan(wanted: Object, there: Object | None, params: dict[str, t.Any]) -> str:
    """What to do about the Job of this name that is there."""
    if there is None:
        return CREATE
    same = (there["metadata"].get("annotations") or {}).get(spec.HASH) == wanted["metadata"]["annotations"][
        spec.HASH
    ]
    found = ended(there)
    if found is None and same:
        return ATTACH
    if found is None:
        name = wanted["metadata"]["name"]
        raise Conflict(
            f"A Job named {name} runs already, and does something else; nothing was changed.",
            why=[
                "its content is not what this task describes"
                if spec.HASH in (there["metadata"].get("annotations") or {})
                else "it was not made by this module"
            ],
            then=f"kubectl -n {params['namespace']} describe job {name}; wait for it, or give this one another name",
        )
    return NOTHING if same and found.succeeded and not params["rerun"] else REPLACE


def source(api: KubeApi, params: dict[str, t.Any]) -> spec.Source:
    """What the options say that the Job is made from."""
    if params["definition"] is not None:
        return spec.from_definition(params["definition"], "definition")
    if params["src"] is not None:
        return spec.from_definition(load(params["src"], "src"), f"src ({params['src']})")
    if params["workload"] is not None:
        found = named(api, params["namespace"], "workload", params["workload"], cron=True)
        return (
            spec.from_cron_job(found)
            if found["kind"] == "CronJob"
            else spec.from_workload(found, params["container"])
        )
    return spec.from_image(params["image"])


def _would(api: KubeApi, context: Context, step: str, wanted: Object, after: dict[str, t.Any]) -> Result:
    name = wanted["metadata"]["name"]
    if step in (CREATE, REPLACE):
        ask(api, context.params["namespace"], wanted)
    said = {
        CREATE: "would run",
        REPLACE: "would run again",
        ATTACH: "runs already; would wait for",
        NOTHING: "has succeeded already:",
    }[step]
    context.say(f"{said} {name}")
    if step == NOTHING:
        return Result(False, values=_told(wanted, "succeeded", 0))
    return Result(True, {}, after, _told(wanted, "planned", None))


def ask(api: KubeApi, namespace: str, wanted: Object) -> None:
    """The server's own opinion, quota and admission included;
    under a name of its own, since the old Job may still be there.
    """
    meta = {key: value for key, value in wanted["metadata"].items() if key != "name"}
    api.post(
        jobs(namespace),
        {**wanted, "metadata": {**meta, "generateName": f"{wanted['metadata']['name'][:50]}-"}},
        dry_run=True,
    )


def _begin(api: KubeApi, context: Context, step: str, wanted: Object, there: Object | None) -> Object:
    namespace = context.params["namespace"]
    if step == REPLACE and there is not None:
        delete(api, namespace, there)
    try:
        return api.post(jobs(namespace), wanted)
    except Conflict as exc:
        # Our own request, sent again because its answer was lost, meets
        # what it wrote; or another run was quicker with the same.
        found = by_name(api.get(jobs(namespace))).get(wanted["metadata"]["name"])
        if found and plan(wanted, found, context.params) == ATTACH:
            return found
        raise exc


def delete(api: KubeApi, namespace: str, job: Object, policy: str = "Background") -> None:
    """
    :param policy: "Foreground" keeps it in sight until its pods have gone.
    """
    meta = job["metadata"]
    only = {"preconditions": {"uid": meta["uid"]}} if "uid" in meta else {}
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy, **only}
    try:
        api.delete(f"{jobs(namespace)}/{meta['name']}", options)
    except (NotFound, Conflict):
        return  # gone, or another one of the same name: not ours any more


def _removed(api: KubeApi, context: Context, wait: JobWaiter, error: ReleaseError) -> ReleaseError:
    """The same failure, with what was done about it."""
    namespace = context.params["namespace"]
    if context.params["cleanup"] == "always":
        delete(api, namespace, wait.job)
        error.done = f"Job {wait.name} and its pods were removed (cleanup=on_success keeps them to look at)"
        error.then = f"correct the cause, then run it again; kubectl -n {namespace} get events --field-selector type=Warning"
    elif not wait.ended:
        error.done = (
            f"Job {wait.name} was left; it ends by itself {context.params['timeout']} s after its start"
        )
    return error


def _what(told: dict[str, t.Any], end: Ended, params: dict[str, t.Any]) -> str:
    if end.reason == "DeadlineExceeded":
        return f"Job {told['job']} did not end within its timeout of {params['timeout']} s and was ended."
    code = "" if told["exit_code"] is None else f" with exit code {told['exit_code']}"
    tries = f" in each of {told['tries']} tries" if told["tries"] > 1 else ""
    return f"Job {told['job']} failed{code}{tries} after {told['seconds']} s."


def _told(wanted: Object, state: str, exit_code: int | None) -> dict[str, t.Any]:
    """Of a Job that was not waited for."""
    return {"job": wanted["metadata"]["name"], "state": state, "exit_code": exit_code, "log": []}


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
