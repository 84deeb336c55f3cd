#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_maintenance
short_description: Scale workloads and set their environment for a while, then restore exactly what was live before
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Maintenance mode for a platform. Scales workloads, sets or unsets variables of their containers, and waits until all have settled.
  - What was live before is remembered on each workload in the very patch that changes it, so O(state=restored) works from any controller, also
    after the one that began was lost.
  - Only what still is as this module set it is restored. What a release or a person has changed since stays, and is reported.
  - The replicas of a workload that a HorizontalPodAutoscaler owns are not written; the autoscaler's C(minReplicas) is written and restored
    instead. An exception is V(0) replicas, at which an autoscaler leaves a workload alone.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._kubernetes
  - runbook.release._kubernetes.lock
  - runbook.release._kubernetes.settle
options:
  release:
    description: Version or other name of the release that this is done for; the lock of the platform is held under it.
    type: str
    required: true
  lock_token:
    description: RV(lock_token) of an earlier task of the same run; see M(runbook.release.kube_rollout).
    type: int
  state:
    description: V(present) sets what O(workloads) say; V(restored) gives back what was there before.
    type: str
    choices: [present, restored]
    default: present
  workloads:
    description: The workloads; with O(state=restored) only their names count, and none named means all that this module has changed.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the workload.
        type: str
        required: true
      kind:
        description: Its kind.
        type: str
        choices: [Deployment, StatefulSet, DaemonSet]
        default: Deployment
      replicas:
        description: Number of replicas for the time being; what is there stays when it is not given.
        type: int
      env:
        description: Environment by name of the container, each a dictionary of variables; C(null) unsets one.
        type: dict
  drain:
    description: Waits until nothing is under way any more, after all workloads have settled.
    type: dict
    suboptions:
      timeout:
        description: Seconds after which it goes on all the same, says what is left, and returns RV(drained) as V(false).
        type: int
        default: 30
      metric:
        description:
          - A gauge of what is under way (requests, jobs, connections), which every pod of the workloads reports in the text format of
            Prometheus; read through the API server. Without it only pods that are being deleted are waited for.
        type: str
      at_most:
        description: The metric is drained when it is at most this in every pod, twice in a row.
        type: float
        default: 0
      port:
        description: Port of the metrics.
        type: int
        default: 8080
      path:
        description: Path of the metrics.
        type: str
        default: /metrics
seealso:
  - module: runbook.release.kube_rollout
"""

EXAMPLES = r"""
- name: Take no new orders, and wait for those under way
  runbook.release.kube_maintenance:
    namespace: exchange
    release: 2.4.0
    workloads:
      - name: trading
        replicas: 1
      - name: payment
        env:
          payment: {READ_ONLY: "true"}
    drain:
      metric: http_requests_in_flight
      timeout: 30

- name: Give back what was there
  runbook.release.kube_maintenance:
    namespace: exchange
    release: 2.4.0
    state: restored
"""

RETURN = r"""
drained:
  description: Whether nothing was under way any more in the end; V(true) without O(drain).
  returned: success
  type: bool
  sample: true
left:
  description: With O(state=restored), what stays by workload because somebody else has changed it since.
  returned: success
  type: dict
  sample: {wallet: ["replicas"]}
lock_token:
  description: Number of the holding of the lock, for O(lock_token) of the next task; none when there was nothing to write.
  returned: success
  type: int
  sample: 12
workloads:
  description: Every workload; see the return values of M(runbook.release.kube_rollout). Replicas and environment are in the diff.
  returned: success
  type: list
  elements: dict
  sample:
    - name: trading
      kind: Deployment
      wave: 1
      changed: true
      images_before: {}
      images: {}
      seconds: 4.1
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.maintenance.maintenance import (
    OPERATION,
)


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
