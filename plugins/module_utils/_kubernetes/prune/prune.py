# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Deletes what releases leave behind, beyond what is asked to be kept; never what a rollback needs."""

from __future__ import annotations

import json
import typing as t

from ..._common.errors import Conflict, NotFound, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from ..._release.lock import held_temporarily
from ..._release.record import VERDICT
from ..api.client import ClusterApi
from ..api.options import LOCK, NAMESPACE
from ..api.permissions import OPTIONAL, in_words, missing
from ..api.port import (
    WORKLOADS,
    KubeApi,
    Object,
    config_maps,
    controller_revisions,
    deployments,
    jobs,
    leases,
    replica_sets,
    workloads,
)
from ..release_state import config_map as record
from ..release_state import lease
from ..release_state.lease import Lease
from ..workload import baseline
from ..workload import config_copies as config
from ..workload import status as workload
from .config_copies import of_copies, users
from .verdict import Verdict

_REPLICA_SETS, _JOBS, _CONFIG_MAPS, _SECRETS = OPTIONAL["prune"]
# What is pruned by which option, and the rules that each needs.
OPTIONS = {
    "keep_replica_sets": (_REPLICA_SETS,),
    "keep_jobs": (_JOBS,),
    "keep_records": (_CONFIG_MAPS,),
    "keep_config": (_CONFIG_MAPS, _SECRETS),
}
_HISTORY = "deployment.kubernetes.io/revision-history"


def of_replica_sets(path: str, items: list[Object], there: dict[str, Object], keep: int) -> list[Verdict]:
    """
    :param there: the Deployments by name.
    """
    owners = {thing["metadata"]["uid"]: thing for thing in there.values()}
    verdicts, left = [], {uid: keep for uid in owners}
    for item in sorted(items, key=_number, reverse=True):
        reference = workload.owner(item, "Deployment")
        thing = owners.get(reference["uid"]) if reference else None
        why = _why_a_replica_set_stays(item, thing)
        if not why and thing:
            left[thing["metadata"]["uid"]] -= 1
            why = (
                f"one of the newest {keep} of {thing['metadata']['name']}"
                if left[thing["metadata"]["uid"]] >= 0
                else ""
            )
        gone = f"revision {_number(item)}, older than the newest {keep}"
        verdicts.append(Verdict("ReplicaSet", path, item, not why, why or gone))
    return verdicts


def _why_a_replica_set_stays(item: Object, thing: Object | None) -> str:
    """'' when only its age counts."""
    if thing is None:
        return "no Deployment of this namespace owns it"
    name = thing["metadata"]["name"]
    if workload.status(thing).state != workload.READY:
        return f"{name} has not settled"
    if workload.revision(item) == workload.revision(thing):
        return f"{name} runs it"
    if item["spec"].get("replicas") or (item.get("status") or {}).get("replicas"):
        return "it has pods"
    kept = baseline.recorded(thing, baseline.release_of(thing))
    history = (item["metadata"].get("annotations") or {}).get(_HISTORY, "").split(",")
    images = {path[1]: image for path, image in kept.values.items() if path[0] == "images"} if kept else {}
    if kept and (
        kept.revision in (workload.revision(item), *history)
        or images.items() <= workload.images(item).items()
    ):
        return f"{name} ran it before release {baseline.release_of(thing)}: a rollback needs it"
    return ""


def _number(item: Object) -> int:
    text = workload.revision(item)
    return int(text) if text.isdigit() else 0


def of_jobs(path: str, items: list[Object], keep: int) -> list[Verdict]:
    verdicts, left = [], keep
    for item in sorted(items, key=_ended, reverse=True):
        owner = next(
            (
                reference
                for reference in item["metadata"].get("ownerReferences") or []
                if reference.get("controller")
            ),
            None,
        )
        if owner:
            why = f"{owner['kind']} {owner['name']} keeps its own history"
        elif not _ended(item):
            why = "it has not ended"
        else:
            left -= 1
            why = f"one of the newest {keep} that have ended" if left >= 0 else ""
        verdicts.append(Verdict("Job", path, item, not why, why or f"ended at {_ended(item)}"))
    return verdicts


def _ended(item: Object) -> str:
    """When (RFC 3339, which sorts by time); '' for one that has not."""
    condition = workload.conditions(item)
    ends = [
        condition[name] for name in ("Complete", "Failed") if condition.get(name, {}).get("status") == "True"
    ]
    return (
        str((item.get("status") or {}).get("completionTime") or ends[0].get("lastTransitionTime", ""))
        if ends
        else ""
    )


def of_records(path: str, items: list[Object], things: list[Object], locked: str, keep: int) -> list[Verdict]:
    """
    :param things: the workloads, which say what release they are on.
    :param locked: the release that the lock is held for; '' when it is not held.
    """
    running = {
        baseline.release_of(thing): f"{thing['kind']} {thing['metadata']['name']} is on this release"
        for thing in things
    }
    verdicts, left = [], keep
    for item in sorted(items, key=lambda item: str(_verdict(item).get("at", "")), reverse=True):
        release = baseline.release_of(item)
        if not _verdict(item):
            why = "the release is not finished"
        elif locked and release == locked:
            why = "the lock is held for this release"
        elif release in running:
            why = running[release]
        else:
            left -= 1
            why = f"one of the newest {keep}" if left >= 0 else ""
        closed = f"release {release}: {_verdict(item).get('verdict', 'closed')} at {_verdict(item).get('at', 'an unknown time')}"
        verdicts.append(Verdict("ConfigMap", path, item, not why, why or closed))
    return verdicts


def _verdict(item: Object) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads((item.get("data") or {}).get(VERDICT) or "{}"))


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    asked = {option: params[option] for option in OPTIONS if params[option] is not None}
    needs = dict.fromkeys(need for option in asked for need in OPTIONS[option])
    refused = missing(api, params["namespace"], needs, read_only=context.check_mode)
    if refused:
        why = [f"{in_words(rule)}; the rule to add: {json.dumps(rule)}" for rule in refused]
        raise ReleaseError(
            "The credentials may not do what is asked; nothing was deleted.",
            why=why,
            then="add the Role runbook-release-prune of docs/kubernetes_role_optional.yml, or use other credentials",
        )
    verdicts = _verdicts(api, params["namespace"], asked, lambda verdict: verdict)
    if context.check_mode:
        for verdict in verdicts:
            if verdict.goes:
                context.say(f"would delete {verdict.kind} {verdict.name}: {verdict.why}")
    elif any(verdict.goes for verdict in verdicts):

        def lock_for(release: str) -> Lease:
            return Lease(api, params["namespace"], release, context)

        with held_temporarily(lock_for, "(kube_prune)", params["lock_force"]) as guard:
            # Looked at again under the lock: nobody begins or undoes a release from now on.
            verdicts = _verdicts(
                api,
                params["namespace"],
                asked,
                lambda verdict: _done(api, context, verdict, guard.assert_held),
            )
    going = [verdict for verdict in verdicts if verdict.goes]
    values: dict[str, t.Any] = {"deleted": [verdict.told() for verdict in going]}
    if params["explain"]:
        values["kept"] = [verdict.told() for verdict in verdicts if not verdict.goes]
    before, after = (
        (_names(verdicts), _names([verdict for verdict in verdicts if not verdict.goes]))
        if going
        else (None, None)
    )
    return Result(bool(going), before, after, values)


def _verdicts(
    api: KubeApi, namespace: str, asked: dict[str, int], act: t.Callable[[Verdict], Verdict]
) -> list[Verdict]:
    """
    :param act: what becomes of each verdict before the next are found:
        what is left of the ReplicaSets says which copies are needed.
    """
    verdicts: list[Verdict] = []
    if "keep_replica_sets" in asked:
        there = workload.by_name(api.get(deployments(namespace)))
        path = replica_sets(namespace)
        verdicts += map(act, of_replica_sets(path, api.get(path)["items"], there, asked["keep_replica_sets"]))
    if "keep_jobs" in asked:
        path = jobs(namespace)
        verdicts += map(act, of_jobs(path, api.get(path)["items"], asked["keep_jobs"]))
    if "keep_records" in asked:
        path = config_maps(namespace)
        listing = api.get(f"{path}?labelSelector={record.LABEL}")
        verdicts += map(
            act,
            of_records(
                path,
                listing["items"],
                _workloads(api, namespace),
                _locked_for(api, namespace),
                asked["keep_records"],
            ),
        )
    if "keep_config" in asked:
        going = {verdict.thing["metadata"]["uid"] for verdict in verdicts if verdict.goes}
        old = {
            "ReplicaSet": api.get(replica_sets(namespace))["items"],
            "ControllerRevision": api.get(controller_revisions(namespace))["items"],
        }
        stay = {
            kind: [item for item in items if item["metadata"]["uid"] not in going]
            for kind, items in old.items()
        }
        needed = users(_workloads(api, namespace), stay)
        for kind, place in config.PATHS.items():
            listing = api.get(f"{place(namespace)}?labelSelector={config.COPY_OF}")
            verdicts += map(
                act, of_copies(kind, place(namespace), listing["items"], needed, asked["keep_config"])
            )
    return verdicts


def _workloads(api: KubeApi, namespace: str) -> list[Object]:
    return [
        thing
        for kind in WORKLOADS
        for thing in workload.by_name(api.get(workloads(kind, namespace)), kind).values()
    ]


def _locked_for(api: KubeApi, namespace: str) -> str:
    """Also when it has expired: its release may be taken up again."""
    try:
        found = lease.holder_of(api.get(f"{leases(namespace)}/{lease.NAME}"))
    except NotFound:
        found = None
    return found.release if found else ""


def _done(api: KubeApi, context: Context, verdict: Verdict, fence: t.Callable[[], None]) -> Verdict:
    """Deletes the very object that was looked at, in the state in which it was looked at."""
    if not verdict.goes:
        return verdict
    fence()
    metadata = verdict.thing["metadata"]
    only = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    options = {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Background",
        "preconditions": only,
    }
    try:
        api.delete(f"{verdict.path}/{verdict.name}", options)
    except NotFound:
        pass  # gone already, by our own request that was sent again or by somebody else
    except Conflict:
        return verdict._replace(goes=False, why="somebody changed it meanwhile")
    context.say(f"{verdict.kind} {verdict.name}: deleted, {verdict.why}")
    return verdict


def _names(verdicts: list[Verdict]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for verdict in verdicts:
        names.setdefault(verdict.kind, []).append(verdict.name)
    return names


OPERATION = Operation(
    {
        **NAMESPACE,
        **LOCK,
        **{option: Option("int", low=0) for option in OPTIONS},
        "explain": Option("bool", False),
    },
    ClusterApi,
    run,
    {"required_one_of": [list(OPTIONS)]},
)
