# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Mirrors NAMESPACE of plugins/module_utils/_kubernetes/api/options.py.
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
  api_retry_timeout:
    description:
      - Seconds to go on asking an API server that does not answer, or answers with 429 or 5xx.
      - The default tells of a wrong address within ten seconds. In the middle of a release more is better, since an API server
        that is restarted comes back.
    type: int
    default: 8
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

    # Mirrors LOCK of plugins/module_utils/_kubernetes/api/options.py.
    LOCK = r"""
options:
  lock_force:
    description:
      - The lock of the platform (the Lease C(runbook-release) of the namespace) is taken before the first write, renewed while the module works,
        and given back by M(runbook.release.release_report). One that another run holds is an error that names it.
      - When this is V(true), it is taken over even from a run that is still alive; that run stops before its next write.
    type: bool
    default: false
"""

    # Mirrors TIMEOUT of plugins/module_utils/_kubernetes/api/options.py.
    SETTLE = r"""
options:
  timeout:
    description: Seconds that each workload may take to settle, from its own patch on.
    type: int
    default: 300
  stuck_after:
    description:
      - Seconds that a workload may stand still for a problem that only somebody else can fix (no node has room, a quota is used up, a volume
        or the registry does not come) before it is given up. What cannot heal at all is given up at once.
    type: int
    default: 60
"""
