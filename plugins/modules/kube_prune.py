#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_prune
short_description: Delete what releases leave behind, and never what a rollback needs
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Deletes old ReplicaSets, Jobs that have ended, records of releases and the copies of configuration that they kept, beyond the number of
    each that is to be kept. A kind without a number is not touched.
  - A ReplicaSet stays when its Deployment has not settled or runs it, when it has pods, and when it is what ran before the last release
    (the baseline recorded on the Deployment). A Job stays that has not ended, or that a CronJob made. A record stays whose release is not
    finished, is what a workload runs, or holds the lock of the platform. A copy of configuration stays that the pods of a workload run
    with, or that one of its older revisions names which still exists, since a rollback to it gives that content back.
  - Every object is deleted only in the very state in which it was judged; one that somebody changes in the meantime stays.
  - Needs permission to delete, which a release does without; the Role C(runbook-release-prune) of C(docs/kubernetes_role_optional.yml) is
    the one to add.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._kubernetes
  - runbook.release._kubernetes.lock
options:
  keep_replica_sets:
    description: How many old ReplicaSets of each Deployment to keep; V(0) keeps none but those that always stay.
    type: int
  keep_jobs:
    description: How many Jobs that have ended to keep, the newest of the namespace.
    type: int
  keep_records:
    description: How many records of finished releases to keep, the newest ones.
    type: int
  keep_config:
    description:
      - How many copies of each ConfigMap and Secret to keep that nothing needs any more, the newest ones. They are the immutable copies that
        O(runbook.release.kube_rollout#module:workloads[].config) makes.
      - Together with O(keep_replica_sets), copies that only the ReplicaSets named which are deleted count as not needed any more.
      - Needs permission to list and delete the Secrets of the namespace, whether there are copies of Secrets or not.
    type: int
  explain:
    description: Whether to list everything that was kept, and why, in RV(kept).
    type: bool
    default: false
seealso:
  - module: runbook.release.kube_rollback
"""

EXAMPLES = r"""
- name: See what could go, and why the rest stays
  runbook.release.kube_prune:
    namespace: exchange
    keep_replica_sets: 3
    keep_jobs: 5
    keep_records: 20
    keep_config: 2
    explain: true
  check_mode: true

- name: Keep three old ReplicaSets of each Deployment
  runbook.release.kube_prune:
    namespace: exchange
    keep_replica_sets: 3
"""

RETURN = r"""
deleted:
  description: What was deleted; in check mode what would be.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: ReplicaSet
      name: wallet-5d9c7b6f4
      why: revision 4, older than the newest 3
kept:
  description: What stays, and why.
  returned: when O(explain=true)
  type: list
  elements: dict
  sample:
    - kind: ReplicaSet
      name: wallet-7c9f8d5b6
      why: "wallet ran it before release 2.4.0: a rollback needs it"
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.prune.prune import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
