# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Mirrors OPTIONS of plugins/module_utils/_kubernetes/_api.py and _NAMESPACE of _operations.py beside it.
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of the kubeconfig.
      - When it is not given, E(KUBECONFIG), then C(~/.kube/config), then the service account of the pod that Ansible runs in.
    type: path
  context:
    description: Context of the kubeconfig to use; its current one when it is not given.
    type: str
  namespace:
    description: Namespace of the platform.
    type: str
    required: true
requirements:
  - kubernetes >= 29.0.0
notes:
  - Runs inside the Ansible controller when the connection of the host is local and C(become) is not used; it then says
    on standard error how far it is. Elsewhere it runs as an ordinary module, without these lines.
"""
