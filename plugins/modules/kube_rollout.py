#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_rollout
short_description: Roll out workloads in waves and wait until all have settled
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Takes the waves in order. Gives every Deployment, StatefulSet and DaemonSet of a wave what is new, all of them first, then waits for
    all of them together by one watch a kind.
  - What was live before of all that is set (images, environment, resources, replicas) is recorded on each workload as an annotation, in
    the very patch that changes it, so M(runbook.release.kube_rollback) needs nothing but the cluster. Running it again for the same
    release keeps the first baseline. What somebody else writes in the meantime is not lost - the patch is made anew for it.
  - A workload has settled by the rule of C(kubectl rollout status) - its controller has seen the newest spec, all replicas are updated
    and available, no old one runs - and only when it is not paused. Of a StatefulSet, pods below its C(partition) may stay.
  - A PodDisruptionBudget does not hold up a rollout. It binds evictions, as by C(kubectl drain), and not the controllers that replace
    pods. While a node is drained, new pods may find no place; that is reported, and given O(stuck_after).
  - Fails as soon as a pod of the new version cannot become healthy by waiting (crash loop, image that does not exist, configuration that is missing),
    and says which pod, container, reason, exit code, last log lines and warnings. It does not roll back by itself;
    the role P(runbook.release.rollout#role) does.
  - What was done is kept in the ConfigMap C(release-VERSION) of the namespace, from which M(runbook.release.release_report) writes the report.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._kubernetes
  - runbook.release._kubernetes.lock
  - runbook.release._kubernetes.settle
options:
  release:
    description: Version or other name of the release; the baseline is recorded under it.
    type: str
    required: true
  lock_token:
    description:
      - RV(lock_token) of an earlier task of the same run. The lock of the platform then has to be the very one that was taken there;
        when another run has had it in the meantime, nothing is written.
    type: int
  workloads:
    description: The workloads. Unknown names and containers, all of them, are one error, before anything changes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the workload.
        type: str
        required: true
      kind:
        description: Its kind. One that replaces pods only when they are deleted (updateStrategy OnDelete) is refused, as is a paused Deployment.
        type: str
        choices: [Deployment, StatefulSet, DaemonSet]
        default: Deployment
      images:
        description:
          - New image by name of the container, with tag or digest; init containers count, too.
            Containers that are not named stay as they are.
        type: dict
      env:
        description:
          - Environment by name of the container, each a dictionary. A value is a string, C(null) to unset the variable, or a dictionary with
            C(valueFrom). Variables that are not named stay as they are.
        type: dict
      resources:
        description:
          - Resources by name of the container, each with C(limits) and C(requests). A quantity is written as in Kubernetes; C(null) takes it
            away. Those that are not named stay as they are.
        type: dict
      config:
        description:
          - ConfigMaps and Secrets that the pods read, each as C(ConfigMap/NAME) or C(Secret/NAME). A hash of their content stands in the pod
            template, so new content makes new pods.
          - The content is kept as an immutable copy (C(NAME-HASH)), from which M(runbook.release.kube_rollback) gives back what the
            release before had.
        type: list
        elements: str
      replicas:
        description:
          - Number of replicas; what is there stays when it is not given.
          - The replicas of a workload that a HorizontalPodAutoscaler owns are not written, except from or to V(0). To see the autoscaler takes
            the permission to list them (the Role C(runbook-release-maintenance) of C(docs/kubernetes_role_optional.yml)).
        type: int
      strategy:
        description:
          - How a Deployment replaces its pods - V(rolling) starts new ones before old ones end, V(recreate) ends all old ones first, for
            services of which two versions must never run together. What is there stays when it is not given.
        type: str
        choices: [rolling, recreate]
      timeout:
        description: Seconds that this workload may take to settle, in place of O(timeout); longer than its C(minReadySeconds).
        type: int
      wave:
        description: Number of the wave within the release, from 1. Waves go in this order, and a rollback takes them in reverse.
        type: int
        default: 1
  parallel:
    description: How many workloads of a wave may roll out at the same time; all of them when it is not given.
    type: int
seealso:
  - module: runbook.release.kube_rollback
  - module: runbook.release.kube_health_info
"""

EXAMPLES = r"""
- name: Roll out wallet, and payment after it
  runbook.release.kube_rollout:
    namespace: exchange
    release: 2.4.0
    timeout: 180
    workloads:
      - name: wallet
        wave: 1
        images:
          wallet: registry.example.com/exchange/wallet:2.4.0
      - name: payment
        wave: 2
        replicas: 4
        timeout: 120
        images:
          payment: registry.example.com/exchange/payment:2.4.0
        env:
          payment:
            LOG_LEVEL: info
        resources:
          payment:
            limits: {memory: 256Mi}
"""

RETURN = r"""
lock_token:
  description: Number of the holding of the lock, for O(lock_token) of the next task; none when there was nothing to write.
  returned: success
  type: int
  sample: 12
workloads:
  description: Every workload, and what runs there now; without seconds and digests in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the workload.
      type: str
      returned: success
      sample: wallet
    kind:
      description: Its O(workloads[].kind).
      type: str
      returned: success
      sample: Deployment
    wave:
      description: Its O(workloads[].wave).
      type: int
      returned: success
      sample: 3
    changed:
      description: Whether it had to be changed.
      type: bool
      returned: success
      sample: true
    images_before:
      description: Image by container, before.
      type: dict
      returned: success
      sample: {wallet: "registry.example.com/exchange/wallet:2.3.9"}
    images:
      description: Image by container, now.
      type: dict
      returned: success
      sample: {wallet: "registry.example.com/exchange/wallet:2.4.0"}
    seconds:
      description: Seconds until it had settled.
      type: float
      returned: when not in check mode
      sample: 3.4
    digests:
      description: Digest by container, as the container runtime reports it; empty when no pod had to be read.
      type: dict
      returned: when not in check mode
      sample: {wallet: "sha256:6f1c2f8b7a3c1f0e3f1f6b1f0a9f6d5a1c1d8a5e2b7c4d3e9f8a7b6c5d4e3f2a"}
failures:
  description: What went wrong, one entry a workload.
  returned: failure
  type: list
  elements: dict
  sample:
    - workload: wallet
      pod: wallet-6d8f9c7b5-x2x7k
      container: wallet
      reason: CrashLoopBackOff
      exit_code: 3
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.rollout.rollout import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
