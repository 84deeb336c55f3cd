#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_info
short_description: Tell whether services answer by TCP, HTTP or JSON-RPC, and what is expected
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Asks what a platform depends on, such as brokers, partners and blockchain nodes, whether it is there and in which state.
  - Changes nothing, as long as the methods named in C(call) only read; it asks in check mode as well.
  - Every check is made, also after a failed one. Never fails because of an answer; see RV(healthy) and RV(reasons).
extends_documentation_fragment:
  - runbook.release._attributes.info
  - runbook.release._http
options:
  checks:
    description:
      - The checks. Each is a dictionary that has exactly one of C(tcp) (host and port), C(http) (a URL) and C(json_rpc) (a URL), and a C(name) where
        that is not telling enough. C(max_milliseconds) limits how long the answer may take.
      - C(http) takes C(method) (V(GET) or V(HEAD)), C(status) (V(200)), C(headers), C(user) and C(password) of basic authentication, and C(json).
      - C(json_rpc) takes C(call), which is the name of the method, C(params), C(version) (V(2.0) or V(1.0)), C(headers), C(user), C(password) and C(json).
        An error in the answer is a reason.
      - C(json) is a list of what is expected in the answer's JSON, each with a dotted C(path) and one or more of C(exists), C(equals), C(length_min),
        C(min), C(max) and C(lag_behind). C(lag_behind) is the path of a number that the one at C(path) may lag behind by C(max_lag) (V(0)).
        Numbers may be written as texts, such as V(0x10d4f). The result of JSON-RPC is at V(result).
    type: list
    elements: dict
    required: true
  attempts:
    description: How often a check is made, a second apart, before it counts as failed.
    type: int
    default: 3
  before:
    description: The result of these checks before the release; what failed then is not among RV(new_reasons).
    type: dict
seealso:
  - module: runbook.release.service_smoke_info
  - module: runbook.release.pg_health_info
  - module: runbook.release.redis_health_info
"""

EXAMPLES = r"""
- name: Check what the exchange depends on
  runbook.release.service_info:
    checks:
      - name: message broker
        tcp: broker.example.com:5672
      - name: mail partner
        http: https://mail.example.com/status
        max_milliseconds: 500
        json:
          - {path: state, equals: operational}
      - name: bitcoin height
        json_rpc: http://btc-node.example.com:8332
        call: getblockchaininfo
        version: "1.0"
        user: exchange
        password: "{{ bitcoin_rpc_password }}"
        json:
          - {path: result.blocks, lag_behind: result.headers, max_lag: 3}
          - {path: result.initialblockdownload, equals: false}
      - name: bitcoin peers
        json_rpc: http://btc-node.example.com:8332
        call: getnetworkinfo
        user: exchange
        password: "{{ bitcoin_rpc_password }}"
        json:
          - {path: result.connections, min: 8}
  register: services

- name: Stop when something is unhealthy
  ansible.builtin.assert:
    that: services.healthy
    fail_msg: "{{ services.reasons | join('\n') }}"
"""

RETURN = r"""
healthy:
  description: Whether there are no RV(reasons).
  returned: success
  type: bool
  sample: false
reasons:
  description: What failed, each beginning with the name of the check.
  returned: success
  type: list
  elements: str
  sample: ["bitcoin height: result.blocks is 923001, 7 behind result.headers (923008), at most 3 allowed"]
verdict:
  description: V(pass) or V(fail).
  returned: success
  type: str
  sample: fail
findings:
  description: RV(reasons) in parts - the check that each is about, and what is wrong.
  returned: success
  type: list
  elements: dict
  sample: [{about: bitcoin height, text: "result.blocks is 923001, 7 behind result.headers (923008), at most 3 allowed"}]
new_reasons:
  description: RV(reasons) of checks that did not fail in O(before).
  returned: when O(before) is given
  type: list
  elements: str
  sample: []
checks:
  description: The checks in order.
  returned: success
  type: list
  elements: dict
  sample:
    - name: message broker
      healthy: true
      milliseconds: 2
      attempts: 1
      reason: ""
found:
  description: By name of the check what the paths of C(json) held, by path.
  returned: success
  type: dict
  sample: {message broker: {}, bitcoin peers: {result.connections: 11}}
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._gate.service import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
