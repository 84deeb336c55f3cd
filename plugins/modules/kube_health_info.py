#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_health_info
short_description: Tell whether the Deployments of a namespace are well
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Reads Deployments and, where one is not well, its pods, and says why.
  - Never fails because of what it finds; look at RV(healthy) and RV(reasons).
extends_documentation_fragment:
  - runbook.release._attributes.info
  - runbook.release._kubernetes
options:
  workloads:
    description: Names of the Deployments; all of the namespace when it is not given.
    type: list
    elements: str
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
"""

RETURN = r"""
healthy:
  description: Whether every Deployment looked at exists and has settled.
  returned: success
  type: bool
  sample: false
reasons:
  description: What is wrong, each beginning with the name of the Deployment.
  returned: success
  type: list
  elements: str
  sample: ["wallet: 1 of 2 updated, 2 available, 2 old still running"]
workloads:
  description: The Deployments, in the order asked for, else by name.
  returned: success
  type: list
  elements: dict
  sample:
    - name: auth
      exists: true
      healthy: true
      reasons: []
      images: {auth: "registry.example.com/exchange/auth:2.4.0"}
      replicas: 2
      available: 2
      revision: "7"
      release: 2.4.0
"""

from ansible_collections.runbook.release.plugins.module_utils._common._module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes._operations import HEALTH


def main() -> None:
    run_module(HEALTH)


if __name__ == "__main__":
    main()
