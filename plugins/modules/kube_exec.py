#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_exec
short_description: Run a command in a running pod
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Runs a command in a container and shows its output while it runs. Both outputs are kept apart, and an exit code other than 0 is a failure.
  - As with M(ansible.builtin.command) the task has always changed something unless C(changed_when) says otherwise, and is skipped in check mode;
    C(check_mode=false) on the task runs a command that only reads there, too.
  - No shell is involved; to use one, make it the command.
  - It is sent once. When the connection breaks in the middle, the task fails and says that the command may still run.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._kubernetes
attributes:
  check_mode:
    support: partial
    details: The command is skipped, since it is not known what it would do.
  diff_mode:
    support: none
options:
  command:
    description: The command and its arguments.
    type: list
    elements: str
    required: true
  workload:
    description:
      - V(wallet), V(deployment/wallet), V(statefulset/ledger) or V(daemonset/agent). The command runs in one ready pod of its newest version.
      - One of O(workload) and O(pod) is needed.
    type: str
  pod:
    description: Name of the pod.
    type: str
  container:
    description: The container; else what the annotation C(kubectl.kubernetes.io/default-container) names, else the first one.
    type: str
  stdin:
    description: What the command reads. Needs Kubernetes 1.30 or newer, which can end the input.
    type: str
  timeout:
    description:
      - Seconds that the command may take. Then the task fails; the command itself goes on until it notices that its connection is closed.
    type: int
    default: 60
seealso:
  - module: runbook.release.kube_job
"""

EXAMPLES = r"""
- name: See what a name means inside the wallet's pods
  runbook.release.kube_exec:
    namespace: exchange
    workload: wallet
    command: [/exchange, -resolve, auth]
  register: answer
  changed_when: false
  check_mode: false
"""

RETURN = r"""
cmd:
  description: The command.
  returned: always
  type: list
  elements: str
  sample: [/exchange, -resolve, auth]
pod:
  description: The pod it ran in.
  returned: always
  type: str
  sample: wallet-6d8f9c7b5-x2x7k
container:
  description: The container it ran in.
  returned: always
  type: str
  sample: wallet
rc:
  description: Its exit code; none where it is not known.
  returned: always
  type: int
  sample: 0
stdout:
  description: Its standard output, without the secrets that are known.
  returned: always
  type: str
  sample: 10.96.14.2
stdout_lines:
  description: The same in lines.
  returned: always
  type: list
  elements: str
  sample: [10.96.14.2]
stderr:
  description: Its standard error.
  returned: always
  type: str
  sample: ""
stderr_lines:
  description: The same in lines.
  returned: always
  type: list
  elements: str
  sample: []
delta:
  description: Seconds that it took.
  returned: when it ended
  type: float
  sample: 0.12
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.exec.exec import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
