#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_health_info
short_description: Tell whether a namespace is well
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Reads workloads and, where one is not well, its pods, and says why. What else it looks at is chosen by O(checks).
  - Never fails because of what it finds, nor because it may not look; see RV(healthy), RV(reasons) and RV(unknown).
extends_documentation_fragment:
  - runbook.release._attributes.info
  - runbook.release._kubernetes
options:
  checks:
    description:
      - What to look at. V(workloads), V(pods), V(restarts) and V(events) need the Role of a release (C(docs/kubernetes_role.yml)), the others a rule
        of C(docs/kubernetes_role_optional.yml). What may not be read is told in RV(unknown).
      - V(workloads) - whether each exists and has settled.
      - V(pods) - pods that do not run, are not ready, or are late to leave.
      - V(restarts) - containers that ended and were started again within O(since).
      - V(events) - events of type Warning within O(since).
      - V(volumes) - PersistentVolumeClaims that are not bound.
      - V(budgets) - PodDisruptionBudgets that the pods do not meet.
      - V(certificates) - those of TLS Secrets and of the API server that end within O(expire_within).
      - V(nodes) - nodes of the cluster that are not ready or under pressure.
    type: list
    elements: str
    choices: [workloads, pods, restarts, events, volumes, budgets, certificates, nodes]
    default: [workloads]
  workloads:
    description: Names of the workloads; all of the namespace when it is not given.
    type: list
    elements: str
  kinds:
    description: Which kinds of workloads are looked at.
    type: list
    elements: str
    choices: [Deployment, StatefulSet, DaemonSet]
    default: [Deployment]
  since:
    description: How many seconds back a restart or a warning counts.
    type: int
    default: 3600
  restarts_allowed:
    description: How often a container may have been restarted in all before a restart within O(since) is a reason.
    type: int
    default: 0
  events_allowed:
    description: How many different warning events are no reason yet.
    type: int
    default: 0
  expire_within:
    description: How many days ahead the end of a certificate is a reason.
    type: int
    default: 30
seealso:
  - module: runbook.release.kube_rollout
"""

EXAMPLES = r"""
- name: Look at the platform
  runbook.release.kube_health_info:
    namespace: exchange
  register: health

- name: Stop when something is not well
  ansible.builtin.assert:
    that: health.healthy
    fail_msg: "{{ health.reasons | join('\n') }}"

- name: Look at everything before a release at night
  runbook.release.kube_health_info:
    namespace: exchange
    checks: [workloads, pods, restarts, events, volumes, budgets, certificates, nodes]
    kinds: [Deployment, StatefulSet]
    since: 86400
    restarts_allowed: 3
    events_allowed: 20
    expire_within: 14
"""

RETURN = r"""
healthy:
  description: Whether there are no RV(reasons).
  returned: success
  type: bool
  sample: false
reasons:
  description: What is wrong, each beginning with the name of the object.
  returned: success
  type: list
  elements: str
  sample: ["wallet: 1 of 2 updated, 2 available, 2 old still running"]
unknown:
  description: Checks of O(checks) that could not be made, or only in part, and why. They are neither well nor unwell.
  returned: success
  type: dict
  sample: {nodes: 'nodes is forbidden: User "release" cannot list resource "nodes" in API group "" at the cluster scope'}
verdict:
  description: V(pass), V(fail), or V(no_data) where nothing fails and something could not be read.
  returned: success
  type: str
  sample: pass
findings:
  description: RV(reasons) in parts - the object that each is about, and what is wrong.
  returned: success
  type: list
  elements: dict
  sample: []
existing:
  description: The names of all workloads of O(kinds) that the namespace has, whichever were asked for.
  returned: success
  type: list
  elements: str
  sample: [auth, wallet]
workloads:
  description: The workloads, in the order asked for, else by name.
  returned: success
  type: list
  elements: dict
  sample:
    - name: auth
      kind: Deployment
      exists: true
      healthy: true
      reasons: []
      images: {auth: "registry.example.com/exchange/auth:2.4.0"}
      replicas: 2
      available: 2
      revision: "7"
      release: 2.4.0
pods:
  description: Pods that are not well.
  returned: with that check
  type: list
  elements: dict
  sample:
    - name: wallet-6d8f9c7b5-x2x7k
      phase: Pending
      reason: "pod wallet-6d8f9c7b5-x2x7k: Unschedulable"
restarts:
  description: Containers that were restarted within O(since), and how their last instance ended. C(restarts) counts all that ever were.
  returned: with that check
  type: list
  elements: dict
  sample:
    - pod: wallet-6d8f9c7b5-x2x7k
      container: wallet
      restarts: 2
      at: "2026-11-21T10:00:00Z"
      reason: OOMKilled
      exit_code: 137
events:
  description: Events of type Warning within O(since), one for each object and reason, the oldest first.
  returned: with that check
  type: list
  elements: dict
  sample:
    - kind: Pod
      name: wallet-6d8f9c7b5-x2x7k
      reason: Unhealthy
      message: "Readiness probe failed: HTTP probe failed with statuscode: 503"
      count: 12
      at: "2026-11-21T10:00:00Z"
volumes:
  description: All PersistentVolumeClaims.
  returned: with that check
  type: list
  elements: dict
  sample:
    - name: data-ledger-0
      phase: Bound
      class: fast
      capacity: 10Gi
      requested: 10Gi
      conditions: []
budgets:
  description: All PodDisruptionBudgets.
  returned: with that check
  type: list
  elements: dict
  sample:
    - name: wallet
      healthy: 2
      desired: 1
      disruptions_allowed: 1
certificates:
  description: The certificate of the API server and those of TLS Secrets; of a chain the one that ends first.
  returned: with that check
  type: list
  elements: dict
  sample:
    - name: Secret ingress-tls
      not_after: "2026-12-24T10:00:00Z"
      days_left: 33.0
nodes:
  description: All nodes.
  returned: with that check
  type: list
  elements: dict
  sample:
    - name: worker-1
      ready: true
      schedulable: true
      pressures: []
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.health.health import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
