#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_access_info
short_description: Tell whether the credentials may do what a release needs
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Asks the API server, verb by verb, for everything that the modules of this collection do in the namespace of a platform.
  - Never fails because of what it finds; RV(allowed) and RV(missing) hold the result. It writes nothing.
extends_documentation_fragment:
  - runbook.release._attributes.info
  - runbook.release._kubernetes
options:
  read_only:
    description: Whether to ask only for what check mode needs.
    type: bool
    default: false
  parts:
    description:
      - Parts beyond a release to check as well; C(docs/kubernetes_role_optional.yml) of the collection holds what each needs.
      - V(maintenance) is M(runbook.release.kube_maintenance) and M(runbook.release.kube_rollout) where autoscalers own workloads, and the former where a
        metric says what is under way, V(secrets) is
        M(runbook.release.kube_rollout) where the configuration of a service is in Secrets.
      - V(jobs) is M(runbook.release.kube_job), V(exec) M(runbook.release.kube_exec), V(prune) M(runbook.release.kube_prune); V(health),
        V(certificates) and V(nodes) are checks of M(runbook.release.kube_health_info); V(migrate) with V(jobs) is
        O(runbook.release.pg_migrate#module:job).
    type: list
    elements: str
    choices: [maintenance, secrets, jobs, migrate, exec, health, prune, certificates, nodes]
    default: []
"""

EXAMPLES = r"""
- name: Ask what the credentials may do
  runbook.release.kube_access_info:
    namespace: exchange
  register: access
"""

RETURN = r"""
allowed:
  description: Whether nothing is missing.
  returned: success
  type: bool
  sample: false
reasons:
  description: What is missing, in words.
  returned: success
  type: list
  elements: str
  sample: ["patch deployments (apps)"]
missing:
  description: What is missing, as the rules to add to a Role.
  returned: success
  type: list
  elements: dict
  sample:
    - apiGroups: [apps]
      resources: [deployments]
      verbs: [patch]
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.permissions import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
