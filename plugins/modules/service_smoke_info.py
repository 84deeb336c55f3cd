#!/usr/bin/python
# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_smoke_info
short_description: Ask a platform over HTTP whether it works
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Sends the requests of a smoke suite in order and compares status and JSON of each answer with what is expected.
  - A value of an answer, such as an access token, can be saved and used by the requests after it. It is hidden in all output.
  - Every check is made, also after a failed one. Never fails because of an answer; see RV(passed) and RV(reasons).
  - In check mode no request is sent.
extends_documentation_fragment:
  - runbook.release._attributes.info
  - runbook.release._http
options:
  url:
    description: Address of the platform, to which the path of every check is added.
    type: str
    required: true
  checks:
    description:
      - The checks. Each is a dictionary of C(path) and, where needed, C(name), C(method) (V(GET)), C(status) (V(200)), C(headers),
        C(body) (sent as JSON unless it is a string), C(json) and C(save).
      - C(json) is a list of what is expected in the answer's JSON, each with a dotted C(path) and one or more of C(exists), C(equals), C(length_min),
        C(min), C(max), C(lag_behind) and C(max_lag), which M(runbook.release.service_info) explains.
      - C(save) is a dictionary of names and dotted paths. C(${name}) stands for the saved value in C(path), C(headers) and C(body) of later checks.
    type: list
    elements: dict
    required: true
  attempts:
    description: How often a check is made, a second apart, before it counts as failed.
    type: int
    default: 3
"""

EXAMPLES = r"""
- name: Log in and read the balances
  runbook.release.service_smoke_info:
    url: https://api.example.com
    checks:
      - name: markets
        path: /api/v1/markets
        json:
          - {path: data, length_min: 1}
      - name: login
        path: /api/v1/auth/login
        method: POST
        body: {email: smoke@example.com, password: "{{ smoke_password }}"}
        save: {token: data.accessToken}
      - name: balances
        path: /api/v1/wallets/balances
        headers: {Authorization: "Bearer ${token}"}
        json:
          - {path: success, equals: true}
  register: smoke
"""

RETURN = r"""
passed:
  description: Whether every check passed.
  returned: success
  type: bool
  sample: false
reasons:
  description: What failed, each beginning with the name of the check.
  returned: success
  type: list
  elements: str
  sample: ["balances: answered 503, wanted 200: (empty)"]
checks:
  description: The checks in order.
  returned: success
  type: list
  elements: dict
  sample:
    - name: markets
      passed: true
      status: 200
      milliseconds: 12
      attempts: 1
      reason: ""
"""

from ansible_collections.runbook.release.plugins.module_utils._common.module import run_module
from ansible_collections.runbook.release.plugins.module_utils._gate.smoke import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
