#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_rollback
short_description: Roll workloads back to what ran before a release
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Rolls every Deployment, StatefulSet and DaemonSet that a release has changed back to the baseline that
    M(runbook.release.kube_rollout) recorded on it - its images, and whatever else of it the release set - in reverse wave order, and
    waits for each wave.
  - Needs nothing but the cluster, so it works from any controller, also after the one that released was lost.
  - Annotations, environment, replicas and all else that the release did not set stay as they are.
  - O(to_revision) and O(to_release) go further back than the release before, by what the cluster keeps of older revisions.
  - A StatefulSet waits for a broken pod before it takes up another version; such pods of the version that is left are deleted.
  - A release that nobody knows here, or that a newer one has followed on a workload, is refused before anything changes. A workload
    that was deleted or created anew since is an error, reported when all the others are back.
  - Workloads that are back already are recognised, so an interrupted rollback goes on where it stopped when it is run again.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._kubernetes
  - runbook.release._kubernetes.lock
  - runbook.release._kubernetes.settle
options:
  release:
    description: The release to undo.
    type: str
    required: true
  workloads:
    description:
      - Names of the workloads to roll back; all that the release has changed when it is not given.
      - A name that the release has not changed, or that does not exist, is an error.
    type: list
    elements: str
  to_revision:
    description:
      - Number of the revision that one workload, the only one in O(workloads), goes back to, as C(kubectl rollout history) shows it, or one
        that it had before it was taken up again. Its whole pod template is taken. A revision that is not kept any more is an error that
        says which are.
    type: int
  to_release:
    description:
      - An older release to go back to. By its record, which must say that it succeeded, every workload that it rolled out gets the newest
        of its pod templates with the images of then; what the record does not name stays as it is.
    type: str
  reason:
    description: Why, for the record and the report.
    type: str
  unfinished_only:
    description:
      - Whether a release whose record has its verdict already stays as it is, so that a check that fails days later
        does not roll back what has been running since. A release that has not changed anything yet is not an error then.
    type: bool
    default: false
seealso:
  - module: runbook.release.kube_rollout
"""

EXAMPLES = r"""
- name: Take the release back
  runbook.release.kube_rollback:
    namespace: exchange
    release: 2.4.0
    reason: error rate of 7 % after the release

- name: Take one service back
  runbook.release.kube_rollback:
    namespace: exchange
    release: 2.4.0
    workloads: [wallet]

- name: Take one service back to a revision that kubectl rollout history shows
  runbook.release.kube_rollback:
    namespace: exchange
    release: 2.4.0
    workloads: [wallet]
    to_revision: 17

- name: Take the platform back by several releases
  runbook.release.kube_rollback:
    namespace: exchange
    release: 2.4.0
    to_release: 2.3.7
"""

RETURN = r"""
finished:
  description: Whether nothing was done because of O(unfinished_only).
  returned: success
  type: bool
  sample: false
workloads:
  description: What was rolled back; empty when all of it was back already, or when the release had not changed anything.
  returned: success
  type: list
  elements: dict
  sample:
    - name: wallet
      kind: Deployment
      wave: 3
      changed: true
      images_before: {wallet: "registry.example.com/exchange/wallet:2.4.0"}
      images: {wallet: "registry.example.com/exchange/wallet:2.3.9"}
      seconds: 1.2
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout.rollback import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
