# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a rollout came to: where its workloads are, and the digests that they run."""

from __future__ import annotations

import typing as t

from ..api.port import KubeApi, pods
from ..workload.change import Change
from ..workload.fields.images import short
from ..workload.fields.values import images
from ..workload.pod_spec import containers
from ..workload.status import statuses
from .wave import WaveRunner


def position(change: Change, wave: WaveRunner) -> str:
    if change.name in wave.settled:
        return on(change.name, images(change.after))
    live = wave.objects.get(change.name)
    if live is None:
        return f"{change.name} deleted"
    if change.patch and not wave.has_begun(change):
        return untouched(change.name)
    status = live.get("status") or {}
    available = status.get("availableReplicas", status.get("numberAvailable", 0))
    before, after = _shortened(images(change.before)), _shortened(images(change.after))
    between = f"between {before} and {after}" if before != after else "half-way"
    return f"{change.name} {between} ({available} available)"


def on(name: str, images_by_container: t.Mapping[str, str]) -> str:
    """A release need not name images: then its settings are what it brings."""
    return f"{name} on {_shortened(images_by_container) or 'its new settings'}"


def untouched(name: str) -> str:
    return f"{name} untouched"


def _shortened(images_by_container: t.Mapping[str, str]) -> str:
    return ", ".join(short(image) for image in images_by_container.values())


def digests(
    api: KubeApi, namespace: str, desired_images: t.Mapping[str, t.Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Digest by container and workload, as the container runtime reports what it runs.

    :param desired_images: by container and workload.
    """
    by_workload: dict[str, dict[str, str]] = {name: {} for name in desired_images}
    for pod in api.get(pods(namespace))["items"]:
        of_pod = {container["name"]: container["image"] for container in containers(pod)}
        for status in statuses(pod):
            container = status["name"]
            _repository, at, digest = status.get("imageID", "").rpartition("@")
            if not at:
                continue
            for name, desired in desired_images.items():
                if desired.get(container) == of_pod.get(container, ""):
                    by_workload[name][container] = digest
    return by_workload
