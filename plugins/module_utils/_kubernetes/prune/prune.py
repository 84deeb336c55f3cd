# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Deletes what releases leave behind, beyond what is to be kept; never what a rollback needs."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ..._common.errors import Conflict, NotFound, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from ..._release.lock import held_temporarily
from ..._release.record import VERDICT
from ..api.client import ClusterApi
from ..api.options import LOCK, NAMESPACE
from ..api.permissions import OPTIONAL, Need, in_words, missing
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
from .config_copies import Users, of_copies, users
from .verdict import PruneVerdict

_REPLICA_SETS, _JOBS, _CONFIG_MAPS, _SECRETS = OPTIONAL["prune"]
# What each option prunes, as the rules that it needs.
OPTIONS = {
    "keep_replica_sets": (_REPLICA_SETS,),
    "keep_jobs": (_JOBS,),
    "keep_records": (_CONFIG_MAPS,),
    "keep_config": (_CONFIG_MAPS, _SECRETS),
}
_HISTORY = "deployment.kubernetes.io/revision-history"


@dataclasses.dataclass(frozen=True)
class Keep:
    """How many of each kind are kept; None: the kind is not touched."""

    keep_replica_sets: int | None
    keep_jobs: int | None
    keep_records: int | None
    keep_config: int | None

    def needs(self) -> list[Need]:
        """The rules of RBAC that this takes, each once."""
        given = [option for option in OPTIONS if getattr(self, option) is not None]
        return list(dict.fromkeys(need for option in given for need in OPTIONS[option]))


def of_replica_sets(
    path: str, items: list[Object], live: t.Mapping[str, Object], keep: int
) -> list[PruneVerdict]:
    """
    :param live: the Deployments by name.
    """
    owners = {deployment["metadata"]["uid"]: deployment for deployment in live.values()}
    left = {uid: keep for uid in owners}
    verdicts = []
    for item in sorted(items, key=_number, reverse=True):
        reference = workload.owner(item, "Deployment")
        deployment = owners.get(reference["uid"]) if reference else None
        why = _why_a_replica_set_stays(item, deployment)
        if not why and deployment:
            uid = deployment["metadata"]["uid"]
            left[uid] -= 1
            if left[uid] >= 0:
                why = f"one of the newest {keep} of {deployment['metadata']['name']}"
        deleted = f"revision {_number(item)}, older than the newest {keep}"
        verdicts.append(PruneVerdict("ReplicaSet", path, item, not why, why or deleted))
    return verdicts


def _why_a_replica_set_stays(item: Object, deployment: Object | None) -> str:
    """'' when only its age counts."""
    if deployment is None:
        return "no Deployment of this namespace owns it"
    name = deployment["metadata"]["name"]
    if workload.status(deployment).state != workload.READY:
        return f"{name} has not settled"
    if workload.revision(item) == workload.revision(deployment):
        return f"{name} runs it"
    if item["spec"].get("replicas") or (item.get("status") or {}).get("replicas"):
        return "it has pods"
    if _is_baseline(item, deployment):
        release = baseline.release_of(deployment)
        return f"{name} ran it before release {release}: a rollback needs it"
    return ""


def _is_baseline(item: Object, deployment: Object) -> bool:
    """Whether a rollback of the Deployment's release may go back to this ReplicaSet."""
    kept = baseline.recorded(deployment, baseline.release_of(deployment))
    if not kept:
        return False
    history = (item["metadata"].get("annotations") or {}).get(_HISTORY, "").split(",")
    if kept.revision in (workload.revision(item), *history):
        return True
    images = {path[1]: image for path, image in kept.values.items() if path[0] == "images"}
    return images.items() <= workload.images(item).items()


def _number(item: Object) -> int:
    text = workload.revision(item)
    return int(text) if text.isdigit() else 0


def of_jobs(path: str, items: list[Object], keep: int) -> list[PruneVerdict]:
    verdicts = []
    left = keep
    for item in sorted(items, key=_ended, reverse=True):
        why = ""
        controller = _controller(item)
        if controller:
            why = f"{controller['kind']} {controller['name']} keeps its own history"
        elif not _ended(item):
            why = "it has not ended"
        else:
            left -= 1
            if left >= 0:
                why = f"one of the newest {keep} that have ended"
        verdicts.append(PruneVerdict("Job", path, item, not why, why or f"ended at {_ended(item)}"))
    return verdicts


def _controller(item: Object) -> Object | None:
    references = item["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), None)


def _ended(item: Object) -> str:
    """When (RFC 3339, which sorts by time); '' for one that has not."""
    condition = workload.conditions(item)
    ends = [
        condition[name] for name in ("Complete", "Failed") if condition.get(name, {}).get("status") == "True"
    ]
    if not ends:
        return ""
    completed = (item.get("status") or {}).get("completionTime")
    return str(completed or ends[0].get("lastTransitionTime", ""))


def of_records(
    path: str, items: list[Object], live: list[Object], locked: str, keep: int
) -> list[PruneVerdict]:
    """
    :param live: the workloads, which say what release they are on.
    :param locked: the release that the lock is held for; '' when it is not held.
    """
    running = {
        baseline.release_of(obj): f"{obj['kind']} {obj['metadata']['name']} is on this release"
        for obj in live
    }
    verdicts = []
    left = keep
    for item in sorted(items, key=_closed_at, reverse=True):
        why = ""
        release = baseline.release_of(item)
        verdict = _verdict(item)
        if not verdict:
            why = "the release is not finished"
        elif locked and release == locked:
            why = "the lock is held for this release"
        elif release in running:
            why = running[release]
        else:
            left -= 1
            if left >= 0:
                why = f"one of the newest {keep}"
        closed = f"{verdict.get('verdict', 'closed')} at {verdict.get('at', 'an unknown time')}"
        verdicts.append(PruneVerdict("ConfigMap", path, item, not why, why or f"release {release}: {closed}"))
    return verdicts


def _closed_at(item: Object) -> str:
    return str(_verdict(item).get("at", ""))


def _verdict(item: Object) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", json.loads((item.get("data") or {}).get(VERDICT) or "{}"))


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    namespace = params["namespace"]
    keep = Keep(**{option: params[option] for option in OPTIONS})
    refused = missing(api, namespace, keep.needs(), read_only=context.check_mode)
    if refused:
        why = [f"{in_words(rule)}; the rule to add: {json.dumps(rule)}" for rule in refused]
        raise ReleaseError(
            "The credentials may not do what is asked; nothing was deleted.",
            why=why,
            then="add the Role runbook-release-prune of docs/kubernetes_role_optional.yml, or use other credentials",
        )
    verdicts = _verdicts(api, namespace, keep, lambda verdict: verdict)
    if context.check_mode:
        for verdict in verdicts:
            if verdict.goes:
                context.say(f"would delete {verdict.kind} {verdict.name}: {verdict.why}")
    elif any(verdict.goes for verdict in verdicts):

        def lock_for(release: str) -> Lease:
            return Lease(api, namespace, release, context)

        with held_temporarily(lock_for, "(kube_prune)", params["lock_force"]) as guard:

            def delete(verdict: PruneVerdict) -> PruneVerdict:
                return _delete(api, context, verdict, guard.assert_held)

            # Judged again under the lock: nobody begins or undoes a release from now on.
            verdicts = _verdicts(api, namespace, keep, delete)
    deleted = [verdict for verdict in verdicts if verdict.goes]
    kept = [verdict for verdict in verdicts if not verdict.goes]
    values: dict[str, t.Any] = {"deleted": [verdict.as_result() for verdict in deleted]}
    if params["explain"]:
        values["kept"] = [verdict.as_result() for verdict in kept]
    if not deleted:
        return Result(False, values=values)
    return Result(True, _names(verdicts), _names(kept), values)


def _verdicts(
    api: KubeApi, namespace: str, keep: Keep, act: t.Callable[[PruneVerdict], PruneVerdict]
) -> list[PruneVerdict]:
    """
    :param act: what becomes of each verdict before the next kind is judged:
        the ReplicaSets that are left say which copies are needed.
    """
    verdicts: list[PruneVerdict] = []
    if keep.keep_replica_sets is not None:
        live = workload.by_name(api.get(deployments(namespace)))
        path = replica_sets(namespace)
        verdicts += map(act, of_replica_sets(path, api.get(path)["items"], live, keep.keep_replica_sets))
    if keep.keep_jobs is not None:
        path = jobs(namespace)
        verdicts += map(act, of_jobs(path, api.get(path)["items"], keep.keep_jobs))
    if keep.keep_records is not None:
        path = config_maps(namespace)
        records = api.get(f"{path}?labelSelector={record.LABEL}")["items"]
        live_workloads = _workloads(api, namespace)
        locked = _locked_for(api, namespace)
        verdicts += map(act, of_records(path, records, live_workloads, locked, keep.keep_records))
    if keep.keep_config is not None:
        needed = _users(api, namespace, [verdict for verdict in verdicts if verdict.goes])
        for kind, path_of in config.PATHS.items():
            path = path_of(namespace)
            copies = api.get(f"{path}?labelSelector={config.COPY_OF}")["items"]
            verdicts += map(act, of_copies(kind, path, copies, needed, keep.keep_config))
    return verdicts


def _users(api: KubeApi, namespace: str, deleted: list[PruneVerdict]) -> Users:
    """What needs copies of configuration, apart from what is deleted."""
    uids = {verdict.obj["metadata"]["uid"] for verdict in deleted}
    old = {
        "ReplicaSet": api.get(replica_sets(namespace))["items"],
        "ControllerRevision": api.get(controller_revisions(namespace))["items"],
    }
    stay = {
        kind: [item for item in items if item["metadata"]["uid"] not in uids] for kind, items in old.items()
    }
    return users(_workloads(api, namespace), stay)


def _workloads(api: KubeApi, namespace: str) -> list[Object]:
    live: list[Object] = []
    for kind in WORKLOADS:
        live += workload.by_name(api.get(workloads(kind, namespace)), kind).values()
    return live


def _locked_for(api: KubeApi, namespace: str) -> str:
    """Also when the lock has expired: its release may go on."""
    try:
        holder = lease.holder_of(api.get(f"{leases(namespace)}/{lease.NAME}"))
    except NotFound:
        return ""
    return holder.release if holder else ""


def _delete(
    api: KubeApi, context: Context, verdict: PruneVerdict, assert_held: t.Callable[[], None]
) -> PruneVerdict:
    """Deletes the very object that was judged, in the state in which it was judged."""
    if not verdict.goes:
        return verdict
    assert_held()
    metadata = verdict.obj["metadata"]
    options = {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Background",
        "preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]},
    }
    try:
        api.delete(f"{verdict.path}/{verdict.name}", options)
    except NotFound:
        pass  # deleted already, by our own request that was sent again or by somebody else
    except Conflict:
        return verdict._replace(goes=False, why="somebody changed it in the meantime")
    context.say(f"{verdict.kind} {verdict.name}: deleted, {verdict.why}")
    return verdict


def _names(verdicts: list[PruneVerdict]) -> dict[str, list[str]]:
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
