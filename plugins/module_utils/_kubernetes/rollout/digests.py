# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The digests of what runs."""

from __future__ import annotations

import typing as t

from ..api.port import KubeApi, pods
from ..workload.pod_spec import containers
from ..workload.status import statuses


def digests(
    api: KubeApi, namespace: str, images: t.Mapping[str, t.Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Digest by container and workload, as the container runtime reports what it runs.

    :param images: by container and workload.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in images}
    for pod in api.get(pods(namespace))["items"]:
        of_pod = {container["name"]: container["image"] for container in containers(pod)}
        for status in statuses(pod):
            container = status["name"]
            _repository, at, digest = status.get("imageID", "").rpartition("@")
            if not at:
                continue
            for name, desired in images.items():
                if desired.get(container) == of_pod.get(container, ""):
                    found[name][container] = digest
    return found
