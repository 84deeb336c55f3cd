# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Why a pod does not become ready: pure, over the pod as the API server gives it.

What counts as permanent, and the two exceptions (a Secret or ConfigMap that is still being mounted, an
image pull that failed for another reason than "not there"), are krane's, which learnt them from years of
deploys (Shopify/krane; kubernetes/kubernetes PR 74755).
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..api.port import Object
from ..workload import pod_spec as podspec
from ..workload.status import conditions

_NEVER_PULLED = ("InvalidImageName", "ErrImageNeverPull")
_PULL = ("ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable", *_NEVER_PULLED)
_CREATE = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
# A registry that does not answer may come back; one that answers this will not change its mind.
_NOT_THERE = re.compile(
    r"not found|manifest unknown|no match for platform|no matching manifest|unauthorized|denied|invalid|x509:",
    re.IGNORECASE,
)
_NOT_STARTED = re.compile(
    r"no such file or directory|executable file not found|permission denied|exec format error", re.IGNORECASE
)
_MESSAGE_CHARACTERS = 600
_ALIKE = 40
_OTHER_ARCHITECTURE = re.compile(
    r"exec format error|no match for platform|no matching manifest", re.IGNORECASE
)


@dataclasses.dataclass(frozen=True)
class PodProblem:
    """What is wrong with one container (or with the pod, then
    ``container`` is empty; or with a workload that gets no pod).

    ``permanent``: it will not heal by waiting, so the wait is given up at once. ``transient``: somebody else's
    doing may heal it (a node that joins, a quota that is raised, a registry that comes back), so it is given
    a while; see ``StuckTimer``. Neither: it is under way.
    """

    pod: str
    container: str
    reason: str
    message: str = ""
    exit_code: int | None = None
    restarts: int = 0
    permanent: bool = False
    transient: bool = False
    init: bool = False

    @property
    def where(self) -> str:
        """The pod and the container, where there are any."""
        places = []
        if self.pod:
            places.append(f"pod {self.pod}")
        if self.container:
            places.append(f"{'init ' if self.init else ''}container {self.container}")
        return ", ".join(places)

    @property
    def text(self) -> str:
        """What is wrong there."""
        words = [self.reason]
        if self.exit_code is not None:
            words.append(f"exit code {self.exit_code}")
        if self.restarts:
            words.append(f"restarted {self.restarts} time" + ("s" if self.restarts > 1 else ""))
        text = ", ".join(words)
        return f"{text}\n  {self.message}" if self.message else text

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


def problem_of(pod: Object) -> PodProblem | None:
    """What is wrong with the pod: a permanent problem before a transient one; else
    the first, in the order in which a pod starts. None when nothing is.
    """
    name = pod["metadata"]["name"]
    if pod["metadata"].get("deletionTimestamp"):
        return None  # it is being deleted: what it says now does not judge the version
    scheduled = conditions(pod).get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return PodProblem(
            name,
            "",
            scheduled.get("reason", "not scheduled"),
            _scheduling(pod, scheduled.get("message", "")),
            transient=True,
        )
    now = pod.get("status") or {}
    if now.get("phase") == "Failed" and now.get("reason"):
        # Evicted, Preempting, NodeShutdown, OutOfcpu ...: the node's doing; its controller makes another pod.
        return PodProblem(
            name, "", now["reason"], now.get("message", ""), transient=now["reason"] != "DeadlineExceeded"
        )
    of_containers = [
        _of_container(pod, status, init=True) for status in now.get("initContainerStatuses") or []
    ]
    of_containers += [_of_container(pod, status) for status in now.get("containerStatuses") or []]
    problems = [problem for problem in of_containers if problem]
    if problems:
        return next((problem for problem in problems if problem.permanent), problems[0])
    if now.get("phase") == "Failed":
        return PodProblem(name, "", "Failed", now.get("message", ""))
    if (
        conditions(pod).get("PodReadyToStartContainers", {}).get("status") == "False"
        and now.get("phase") == "Pending"
    ):
        return PodProblem(
            name, "", "volumes or network are not there yet", transient=True
        )  # the events say which, and why
    if now.get("phase") == "Pending" and node_of(pod) and not now.get("startTime"):
        # The kubelet sets the time when it first handles the pod, within a second on a healthy node.
        return PodProblem(
            name,
            "",
            "not begun by its node",
            f"it was given to node {node_of(pod)}, whose kubelet has not taken it up",
            transient=True,
        )
    return None


def leaving(pod: Object) -> PodProblem | None:
    """For a pod that is being deleted: what may keep it, once
    its grace is over (which only who knows the time can say).
    """
    meta = pod["metadata"]
    if not meta.get("deletionTimestamp"):
        return None
    reasons = [f"it was to be gone at {meta['deletionTimestamp']}"]
    if meta.get("finalizers"):
        reasons.append(f"its finalizers keep it: {', '.join(meta['finalizers'])}")
    elif node_of(pod):
        reasons.append(f"node {node_of(pod)} has not said that its containers have ended")
    return PodProblem(meta["name"], "", "deleted and still there", "; ".join(reasons), transient=True)


def node_of(pod: Object) -> str:
    return str((pod.get("spec") or {}).get("nodeName") or "")


def problem_of_workload(obj: Object) -> PodProblem | None:
    """Why a workload gets no pods at all: it is paused, a quota, an
    admission webhook, a missing service account. No pod can tell.
    """
    if (obj.get("spec") or {}).get("paused"):
        return PodProblem("", "", "paused: nothing rolls out until it is resumed", transient=True)
    failure = conditions(obj).get("ReplicaFailure", {})
    if failure.get("status") != "True":
        return None
    return PodProblem(
        "",
        "",
        f"pods cannot be created ({failure.get('reason', 'ReplicaFailure')})",
        failure.get("message", ""),
        transient=True,
    )


def _of_container(pod: Object, status: Object, init: bool = False) -> PodProblem | None:
    state, restarts = status.get("state") or {}, status.get("restartCount", 0)
    ended = state.get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason", ""), with_hint(waiting.get("message", ""))
    name, spec = status.get("name", ""), podspec.container(pod, status.get("name", ""))

    def problem(why: str, text: str = "", **more: t.Any) -> PodProblem:
        return PodProblem(pod["metadata"]["name"], name, why, text, init=init, **more)

    if reason == "CrashLoopBackOff":
        why = _killed(spec) if ended.get("reason") == "OOMKilled" else reason
        return problem(
            why, _last_words(ended), exit_code=ended.get("exitCode"), restarts=restarts, permanent=True
        )
    if reason in _PULL:
        permanent = reason in _NEVER_PULLED or bool(_NOT_THERE.search(message))
        return problem(reason, message, permanent=permanent, transient=not permanent)
    if reason in _CREATE:
        late = "failed to sync" in message  # what it needs is there, and still on its way to the node
        return problem(reason, message, restarts=restarts, permanent=not late, transient=late)
    if ended.get("exitCode") and not status.get("ready"):
        why = _killed(spec) if ended.get("reason") == "OOMKilled" else ended.get("reason", "Error")
        # The second end in a row is the crash loop: the kubelet calls
        # it that only when it checks again, up to 6 s later (measured).
        again = bool(state.get("terminated")) and restarts > 0
        never = ended.get("reason") in ("StartError", "ContainerCannotRun") and bool(
            _NOT_STARTED.search(ended.get("message", ""))
        )
        return problem(
            why, _last_words(ended), exit_code=ended["exitCode"], restarts=restarts, permanent=again or never
        )
    return None


def unready(pod: Object) -> str:
    """For a pod that runs and is not ready: which containers
    and by which probe, in the words of its conditions.
    """
    now = conditions(pod)
    ready = now.get("Ready", {})
    if not ready or ready.get("status") == "True":
        return ""
    if not ready.get("message") and now.get("ContainersReady", {}).get("status") == "True":
        return f"its containers are ready, the pod is not: node {node_of(pod)} may not report any more"
    words = ready.get("message", "") or ready.get("reason", "")
    probes = [
        f"{status.get('name')}: {kind} {podspec.describe_probe(probe)}"
        for status in (pod.get("status") or {}).get("containerStatuses") or []
        if "running" in (status.get("state") or {}) and not status.get("ready")
        for kind, probe in [_holding(podspec.container(pod, status.get("name", "")), status)]
        if probe
    ]
    return "; ".join([words, *probes])


def last_warnings(events: t.Iterable[Object], name: str, count: int = 3, kind: str = "Pod") -> list[str]:
    """The newest warnings about the object of this name,
    oldest first: probe failures say here what the probe got.
    """
    about = [
        event
        for event in events
        if _is_about(event, name, kind) and event.get("type") == "Warning" and not is_noise(event)
    ]
    about.sort(key=happened)
    return list(
        dict.fromkeys(f"{event.get('reason')}: {str(event.get('message', '')).strip()}" for event in about)
    )[-count:]


def happened(event: Object) -> str:
    """When it happened last. An event of the new API (events.k8s.io) has only the time of its first."""
    return str(
        event.get("lastTimestamp")
        or (event.get("series") or {}).get("lastObservedTime")
        or event.get("eventTime")
        or ""
    )


def secrets_of(pod: Object) -> dict[str, str]:
    """The pod's literal environment, so that its log lines can be shown without the secrets in it."""
    return {
        entry["name"]: entry["value"]
        for container in podspec.containers(pod)
        for entry in container.get("env") or []
        if entry.get("value")
    }


def _is_about(event: Object, name: str, kind: str) -> bool:
    about = event.get("involvedObject") or {}
    return about.get("name") == name and about.get("kind", kind) == kind


def is_noise(event: Object) -> bool:
    """That the kubelet waits before it tries again, and names of states that the pod itself has."""
    return event.get("reason") == "BackOff" or bool(
        re.fullmatch(r"Error: \w+", str(event.get("message", "")))
    )


def repeats(problem: PodProblem, warning: str) -> bool:
    """Whether the warning repeats the problem's message."""
    words, first = warning.partition(": ")[2].replace("Error: ", "", 1), problem.message.partition("\n")[0]
    return bool(first) and (words[-_ALIKE:] in problem.message or first[:_ALIKE] in words)


def _scheduling(pod: Object, message: str) -> str:
    """The scheduler's words without what preemption would not help, and what the pod asks for."""
    spec = pod.get("spec") or {}
    details = [
        f"{container.get('name')} requests "
        + ", ".join(f"{what} {amount}" for what, amount in sorted(requests.items()))
        for container in podspec.containers(pod)
        for requests in [(container.get("resources") or {}).get("requests")]
        if requests and "Insufficient" in message
    ]
    if spec.get("nodeSelector") and "affinity/selector" in message:
        details.append(
            "nodeSelector "
            + ", ".join(f"{key}={value}" for key, value in sorted(spec["nodeSelector"].items()))
        )
    if "were unschedulable" in message:
        details.append(
            "an unschedulable node is a cordoned one, as by kubectl drain: kubectl get nodes; kubectl uncordon NODE"
        )
    short = re.split(r" (?:no new claims to deallocate, )?preemption:", message, maxsplit=1)[0].rstrip(" ,")
    return short + (f"\n  {'; '.join(details)}" if details else "")


def _killed(spec: Object) -> str:
    limit = ((spec.get("resources") or {}).get("limits") or {}).get("memory")
    of_limit = f" of {limit}" if limit else ""
    return f"OOMKilled (its memory limit{of_limit} was too small for it)"


def _last_words(ended: Object) -> str:
    """What the container left in its termination message: a program's own, or why it could not be started."""
    return with_hint(str(ended.get("message", "")).strip()[-_MESSAGE_CHARACTERS:])


def with_hint(message: str) -> str:
    """With what it means, where the words do not say it."""
    if _OTHER_ARCHITECTURE.search(message):
        return f"{message} (the image is for another CPU architecture than the node)"
    return message


def _holding(spec: Object, status: Object) -> tuple[str, Object]:
    """The probe that a running container has not passed: the readiness probe begins after the startup probe."""
    if spec.get("startupProbe") and not status.get("started"):
        return "startup probe", spec["startupProbe"]
    return "readiness probe", spec.get("readinessProbe") or {}
