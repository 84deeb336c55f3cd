#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_apply
short_description: Apply manifests together, wait for them together, and prune what is no longer among them
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Reads all manifests, and puts every one to the API server without storing it (server-side apply as a dry run). What is wrong with
    any of them (the file, the place in it, a field that does not exist, a value that is refused, a field that belongs to somebody
    else, a permission that is missing) is reported at once, before anything changes.
  - Then applies them in the order in which they need each other - namespaces, definitions of custom resources (waited for until they
    are established), permissions, configuration, workloads, routes - and waits for all of them together, by watch. A workload that
    will not become ready is given up at once, with the pod, the reason and the last log lines.
  - Writes nothing that is live already; what only the API server notes about an object (status, managed fields, defaults) is not a change.
  - What M(runbook.release.kube_rollout) has set on a workload (images, replicas and the like) stays, whatever the manifests say,
    so that manifests with an older image do not undo a release; see O(keep_release). Fields of the manifests have a manager of
    their own, C(runbook.release.apply), beside C(runbook.release) of releases.
  - In check mode the same dry run gives the differences. What cannot be tried yet (its namespace or definition is to come, or the
    credentials may only read) is foreseen from the manifest, and RV(objects) says so.
  - Values of Secrets, and values under telling keys, are hidden in differences, errors and results; that they change is shown.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._kubernetes
  - runbook.release._kubernetes.lock
  - runbook.release._kubernetes.settle
options:
  namespace:
    description:
      - Namespace of the platform, and of the manifests that name none.
      - It may be among the manifests, and need not exist before.
  manifests:
    description: Manifests, one an element.
    type: list
    elements: dict
  src:
    description:
      - Files, and folders, of manifests. Of a folder C(*.yaml), C(*.yml) and C(*.json) are read, not the folders in it.
      - A folder that holds a C(kustomization.yaml) is built by C(kubectl kustomize), which then has to be in the E(PATH).
      - Relative paths are searched as with M(ansible.builtin.copy), from the role or playbook. Where the module does not run inside
        the Ansible controller, they are paths of the host that it runs on.
    type: list
    elements: path
  wait:
    description:
      - Whether to wait until Deployments, StatefulSets, DaemonSets and ReplicaSets have settled, Jobs are complete, Namespaces active,
        definitions established, and PersistentVolumeClaims bound whose class binds them without a pod.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for all of them together; what cannot become ready is given up earlier.
    type: int
    default: 300
  force_conflicts:
    description:
      - Whether to take over fields that belong to somebody else, such as C(kubectl). Without it they are an error that names each field
        and its owner.
    type: bool
    default: false
  keep_release:
    description:
      - Whether the fields that a release has set on a workload stay as they are. Those for which a manifest says something else are
        reported in RV(objects).
      - With V(false) they are fields of another manager like any other, so that it takes O(force_conflicts) to set them back to
        what the manifests say.
    type: bool
    default: true
  applyset:
    description:
      - The ApplySet that the manifests make up, as C(kubectl apply --applyset) names it - V(configmap/NAME), V(secret/NAME), or a name
        alone, which is a Secret. This object of O(namespace) is made when it is not there; it needs no other content.
      - C(kubectl) can go on from a set that this module made, and this module from a set that C(kubectl) made.
    type: str
  prune:
    description:
      - Whether to delete what is part of O(applyset) and no longer among the manifests, after everything has become ready. Needs O(applyset).
      - Namespaces, definitions of custom resources, and volumes and their claims are not deleted, since other objects would be deleted with them;
        they are listed in RV(obsolete).
    type: bool
    default: false
seealso:
  - module: runbook.release.kube_rollout
  - name: Declarative management with ApplySets
    description: The specification and what kubectl makes of it.
    link: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/
"""

EXAMPLES = r"""
- name: See what two manifests would change
  runbook.release.kube_apply: &settings
    namespace: exchange
    manifests:
      - apiVersion: v1
        kind: ConfigMap
        metadata: {name: limits}
        data: {withdrawals: "100"}
      - apiVersion: v1
        kind: ServiceAccount
        metadata: {name: settlement}
  check_mode: true
  diff: true

- name: Apply them
  runbook.release.kube_apply:
    <<: *settings

- name: Apply a folder as a set, and delete what is no longer in it
  runbook.release.kube_apply:
    namespace: exchange
    src: [manifests/]
    applyset: configmap/exchange-manifests
    prune: true
    timeout: 600
"""

RETURN = r"""
objects:
  description:
    - What became of each manifest, in the order in which they were applied.
    - C(action) is V(created), V(configured) or V(unchanged); in check mode what it would be.
    - C(kept) lists fields that stay as a release has set them. C(foreseen) is true where the API server could not compute the result.
  returned: success
  type: list
  elements: dict
  sample:
    - kind: Deployment
      namespace: exchange
      name: wallet
      action: configured
      kept: ['.spec.template.spec.containers[name="wallet"].image']
pruned:
  description: What was deleted because no manifest describes it any more; in check mode what would be.
  returned: when O(applyset) is given
  type: list
  elements: str
  sample: ["ConfigMap exchange/limits"]
obsolete:
  description: What is part of the set, described by no manifest, and stays all the same.
  returned: when O(applyset) is given
  type: list
  elements: str
  sample: ["PersistentVolumeClaim exchange/ledger"]
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply.apply import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
