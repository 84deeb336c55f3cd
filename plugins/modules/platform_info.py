#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_info
short_description: Check the description of a platform and turn it into waves
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Checks all variables whose names begin with C(release_) as a whole. Unknown names and keys, wrong types, services that wait for a service
    that is not there or for each other - everything that is wrong is listed in one error, each with what was found and what is allowed.
  - Fills in defaults and gives the waves and the images of every service.
extends_documentation_fragment:
  - runbook.release._attributes.info
options:
  variables:
    description: The variables by name.
    type: dict
    required: true
  groups:
    description: The groups of the inventory that the host is in, as C(group_names); RV(target) comes from them.
    type: list
    elements: str
    default: []
seealso:
  - plugin: runbook.release.waves
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Check the description of the platform
  runbook.release.platform_info:
    variables:
      release_platform: exchange
      release_version: 2.4.0
      release_registry: registry.example.com/exchange
      release_services:
        - name: auth
        - name: wallet
          after: [auth]
  register: platform
"""

RETURN = r"""
platform:
  description: C(release_platform); each of the other variables stands beside it by its name without C(release_).
  returned: success
  type: str
  sample: exchange
services:
  description: The names of the services, in the order of the input.
  returned: success
  type: list
  elements: str
  sample: [auth, wallet]
waves:
  description: The names of the services by wave, in order.
  returned: success
  type: list
  elements: list
  sample: [[auth], [wallet]]
target:
  description: The kind of target that the host is, by O(groups); empty where it is none, as a database.
  returned: success
  type: str
  sample: kubernetes
connection:
  description: How the cluster is reached, for C(module_defaults) of the action group C(runbook.release.kubernetes).
  returned: success
  type: dict
  sample:
    context: prod
    namespace: exchange
    api_retry_timeout: 60
maintenance:
  description: What maintenance mode does to the services, as M(runbook.release.kube_maintenance) takes it.
  returned: success
  type: list
  elements: dict
  sample:
    - name: wallet
      kind: Deployment
      replicas: 1
batches:
  description:
    - The waves that roll out without a smoke check between them, with what M(runbook.release.kube_rollout) takes. A batch ends with a wave whose
      services have smoke checks (C(checked) names them), or with the last wave.
  returned: success
  type: list
  elements: dict
  sample:
    - title: waves 1 to 2
      services: [auth, wallet]
      checked: []
      workloads:
        - name: auth
          wave: 1
          images: {auth: "registry.example.com/exchange/auth:2.4.0"}
        - name: wallet
          wave: 2
          images: {wallet: "registry.example.com/exchange/wallet:2.4.0"}
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._inventory.inventory import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
