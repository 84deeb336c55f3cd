#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_health_info
short_description: Tell whether a Redis server is well
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Reads C(INFO) of the server, says what is wrong and why, and changes nothing.
  - Never fails because of what it finds, nor because the server does not answer or hides something; see RV(healthy), RV(reasons) and RV(unknown).
    It fails when the server does not let the user in.
extends_documentation_fragment:
  - runbook.release._attributes.info
options:
  login_host:
    description: Host name or address of the server.
    type: str
    default: localhost
  login_port:
    description: Port of the server.
    type: int
    default: 6379
  login_user:
    description: User to connect as, where the server has users.
    type: str
  login_password:
    description: Password of the user.
    type: str
  tls:
    description: Whether to connect by TLS.
    type: bool
    default: false
  validate_certs:
    description: Whether the certificate of the server has to be valid.
    type: bool
    default: true
  ca_certs:
    description: Path of the certificates that the server's own is checked against.
    type: path
  checks:
    description:
      - What to check. Those that the user is not allowed to see are listed in RV(unknown).
      - V(connections) - how many are in use, and whether some were rejected.
      - V(memory) - how much of the limit is used, and whether keys were evicted.
      - V(persistence) - whether snapshots and the append-only file can be written, and the data set is loaded.
      - V(replication) - whether replicas are there and follow, or this one follows its primary; and the state of the cluster.
    type: list
    elements: str
    choices: [connections, memory, persistence, replication]
    default: [connections, memory, persistence, replication]
  connections_percent:
    description: From how many percent of C(maxclients) in use on connections are a reason.
    type: int
    default: 80
  rejected_allowed:
    description: How many connections may have been rejected since O(before), or else since the server's start.
    type: int
    default: 0
  memory_percent:
    description:
      - From how many percent of C(maxmemory) on memory is a reason, where the policy is C(noeviction).
      - Without C(maxmemory) it is the machine's memory that counts.
    type: int
    default: 90
  evicted_allowed:
    description: How many keys may have been evicted since O(before), or else since the server's start. Not checked when it is not given.
    type: int
  save_age:
    description: For how many seconds changes may be in memory only, where there is no append-only file. Not checked when it is not given.
    type: int
  replicas:
    description: How many replicas have to be online.
    type: int
    default: 0
  replication_lag:
    description: From how many seconds without a word of the other side on a replica is behind.
    type: int
    default: 10
  before:
    description: The result of an earlier run. Counters are counted from it on, and what was wrong then is not among RV(new_reasons).
    type: dict
requirements:
  - redis >= 5.0
seealso:
  - module: runbook.release.pg_health_info
  - module: runbook.release.service_info
"""

EXAMPLES = r"""
- name: Check the cache before the release
  runbook.release.redis_health_info:
    login_host: redis.example.com
    login_password: "{{ redis_password }}"
    replicas: 1
  register: before

- name: Look again after it; rejections of last month are no news
  runbook.release.redis_health_info:
    login_host: redis.example.com
    login_password: "{{ redis_password }}"
    before: "{{ before }}"
"""

RETURN = r"""
healthy:
  description: Whether there are no RV(reasons).
  returned: success
  type: bool
  sample: false
reasons:
  description: What is wrong, each beginning with the name of the check.
  returned: success
  type: list
  elements: str
  sample: ["memory: 97 % of maxmemory, and the policy is noeviction: writes fail when it is full"]
verdict:
  description: V(pass), V(fail), or V(no_data) where nothing fails and something could not be checked.
  returned: success
  type: str
  sample: fail
findings:
  description: RV(reasons) in parts - the object that each is about, and what is wrong.
  returned: success
  type: list
  elements: dict
  sample: [{about: memory, text: "97 % of maxmemory, and the policy is noeviction: writes fail when it is full"}]
new_reasons:
  description: RV(reasons) about objects that nothing was wrong with in O(before).
  returned: when O(before) is given
  type: list
  elements: str
  sample: []
unknown:
  description: Checks that could not be made, and why. They are neither healthy nor unhealthy.
  returned: success
  type: dict
  sample: {}
found:
  description: What was found, by check; compared by O(before) of a later run. Empty when the server does not answer.
  returned: success
  type: dict
  contains:
    milliseconds:
      description: How long the connection and C(PING) took together.
      returned: when the server answers
      type: float
      sample: 1.3
    server:
      description: Which server answered.
      returned: when the user may run INFO
      type: dict
      sample: {version: 7.0.15, mode: standalone, role: master, up_seconds: 86400, run_id: 00bceabcaa6525309db991bf28b9d69e63a37c0a}
    connections:
      description: Connections of clients.
      returned: with that check
      type: dict
      sample: {used: 42, limit: 10000, blocked: 0, rejected: 0}
    memory:
      description: Memory; C(percent) is of C(limit_bytes), which is the machine's memory where C(maxmemory) is not set.
      returned: with that check
      type: dict
      sample: {used_bytes: 1041000000, resident_bytes: 1100000000, limit_bytes: 1073741824, policy: noeviction, evicted: 0, percent: 97.0}
    persistence:
      description: Snapshots and the append-only file.
      returned: with that check
      type: dict
      sample: {loading: false, rdb_status: ok, rdb_age_seconds: 60, rdb_changes: 12, aof: true, aof_status: ok, aof_rewrite_status: ok}
    replication:
      description: The replicas of a primary, or the primary of a replica.
      returned: with that check
      type: dict
      sample: {role: primary, replicas: [{name: "10.0.0.8:6379", state: online, lag_seconds: 1}]}
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._redis.health import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
