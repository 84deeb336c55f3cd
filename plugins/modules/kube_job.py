#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_job
short_description: Run a Job once, show its log while it runs, and fail when it fails
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Makes a Job out of an image, the pod template of a workload that is there, a CronJob, or a definition; waits for it by watch, and shows the
    log of its container line by line while it runs.
  - Fails when the Job fails, and says the pod, the reason, the exit code, the last log lines and the warnings about it. What cannot start
    (an image that is not there, configuration that is missing) is given up at once.
  - The Job has a deadline of its own (O(timeout)) and one try (O(retries)), so nothing runs on when the controller dies.
  - The name of the Job comes from O(name) and O(release). A run after an interruption finds the Job that is still at work and waits for it; it
    does not begin a second one. A Job of that name with other content that is at work is an error.
  - In check mode the API server checks whether it would take the Job (a dry run, quota and admission included). That needs the permission to
    create Jobs; nothing is written.
extends_documentation_fragment:
  - runbook.release._attributes
  - runbook.release._kubernetes
options:
  name:
    description: Name of the Job. What is in the metadata of a O(definition) is not used.
    type: str
    required: true
  release:
    description: Version or other name of the release; a part of the name of the Job, and kept on it.
    type: str
  lock_token:
    description:
      - RV(runbook.release.kube_rollout#module:lock_token) of an earlier task of the same run. The lock of the platform then has to be the very one
        that was taken there, and is renewed while the Job runs. Needs O(release).
      - Without it the lock is not checked.
    type: int
  definition:
    description: A Job of C(batch/v1). Its C(backoffLimit) and C(ttlSecondsAfterFinished) count where O(retries) and O(ttl) are not given.
    type: dict
  src:
    description: Path of a file of YAML or JSON that holds the same as O(definition).
    type: path
  workload:
    description:
      - V(wallet), V(deployment/wallet), V(statefulset/ledger), V(daemonset/agent) or V(cronjob/nightly). The Job gets the pod template of the
        workload, so a migration runs in the image, the environment, the volumes and the service account of its service.
      - Of a CronJob it is the Job that the CronJob would make. Of the others one container is taken, without its probes, ports and lifecycle hooks, and
        without the labels and init containers of the pod.
    type: str
  image:
    description: The image; in the place of the one of the template where there is one, as in a migration before its service is rolled out.
    type: str
  container:
    description: The container whose exit code and log count, and that the following options change; the first one when it is not given.
    type: str
  command:
    description: The command, as the C(command) of a container (it replaces the image's entrypoint).
    type: list
    elements: str
  args:
    description: The arguments, as the C(args) of a container.
    type: list
    elements: str
  env:
    description: Environment variables, added to those of the template. For secrets there is O(env_from).
    type: dict
  env_from:
    description: Secrets and ConfigMaps whose keys become environment variables, beside those of the template.
    type: list
    elements: dict
    suboptions:
      secret:
        description: Name of a Secret.
        type: str
      config_map:
        description: Name of a ConfigMap.
        type: str
      prefix:
        description: What the names of the variables begin with.
        type: str
  service_account:
    description: Name of the service account that the pod runs as.
    type: str
  resources:
    description: C(requests) and C(limits) of the container.
    type: dict
  timeout:
    description: Seconds after which the Job is ended, as its C(activeDeadlineSeconds).
    type: int
    default: 300
  retries:
    description: How often a pod that failed is tried again (C(backoffLimit)); 0 when neither this nor a O(definition) says so.
    type: int
  stuck_after:
    description:
      - Seconds after which a Job is given up that does not start for a reason that may heal - no node has room, a quota is used up, a volume is not
        there, the registry does not answer.
    type: int
    default: 60
  ttl:
    description: Seconds after its end after which the cluster removes a Job that was kept or forgotten; a day when neither this nor a O(definition) says so.
    type: int
  cleanup:
    description: When the Job and its pods are removed at the end. V(on_success) keeps a failed Job for inspection.
    type: str
    choices: [always, on_success, never]
    default: always
  rerun:
    description:
      - Run again although a Job of the same name and content has succeeded and is still there (O(cleanup=never)).
      - When this is V(false), such a Job counts as the work of this task, and nothing changes.
    type: bool
    default: false
  log_lines:
    description: How many of the last lines RV(log) holds.
    type: int
    default: 20
seealso:
  - module: runbook.release.kube_exec
"""

EXAMPLES = r"""
- name: Migrate the database with the environment of the wallet, before the new wallet is rolled out
  runbook.release.kube_job:
    namespace: exchange
    name: wallet-migrate
    release: 2.4.0
    workload: wallet
    image: registry.example.com/exchange/migrations:2.4.0
    command: [/app/migrate, --expand]
    env:
      LOCK_TIMEOUT: 2s
    timeout: 120
    cleanup: on_success

- name: Run a check that a definition of its own describes
  runbook.release.kube_job:
    namespace: exchange
    name: check-ledger
    definition:
      apiVersion: batch/v1
      kind: Job
      spec:
        template:
          spec:
            restartPolicy: Never
            containers:
              - name: check
                image: registry.example.com/exchange/migrations:2.4.0
                command: [/app/migrate, --expand]
"""

RETURN = r"""
job:
  description: Name of the Job.
  returned: always
  type: str
  sample: wallet-migrate-2-4-0
state:
  description: How it ended; V(planned) in check mode.
  returned: success
  type: str
  sample: succeeded
exit_code:
  description: Exit code of the container; none where it is not known, as when it never ran.
  returned: always
  type: int
  sample: 0
pod:
  description: The pod of the last try.
  returned: when it ran
  type: str
  sample: wallet-migrate-2-4-0-x2x7k
tries:
  description: How many pods it took.
  returned: when it ran
  type: int
  sample: 1
seconds:
  description: Seconds until it had ended.
  returned: when it ran
  type: float
  sample: 12.3
log:
  description: The last lines of the container, without the secrets that are known.
  returned: always
  type: list
  elements: str
  sample: ["schema 41 -> 42"]
failures:
  description: What went wrong.
  returned: failure
  type: list
  elements: dict
  sample:
    - workload: wallet-migrate-2-4-0
      pod: wallet-migrate-2-4-0-x2x7k
      container: task
      reason: Error
      exit_code: 3
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.job.job import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
