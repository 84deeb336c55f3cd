# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter waves: the graph of the services as waves."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._platform.waves import waves

DOCUMENTATION = r"""
name: waves
short_description: Turn the graph of the services into waves
version_added: 0.1.0
author: runbook.release contributors (@runbook)
description:
  - Gives the services as waves. Services of one wave roll out together; each wave comes after the ones before it.
  - A service stands in the first wave after all the services that it names in C(after).
  - A cycle, the name of a service that does not exist, and a service that is listed twice are errors that name them.
options:
  _input:
    description: The services, each with C(name) and, where it has to wait for others, C(after).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show in which order the services roll out
  ansible.builtin.debug:
    msg: "{{ [{'name': 'auth'}, {'name': 'user', 'after': ['auth']}, {'name': 'kyc', 'after': ['auth']}] | runbook.release.waves }}"
  # -> [['auth'], ['user', 'kyc']]
"""

RETURN = r"""
_value:
  description: The names of the services, a list a wave.
  type: list
  elements: list
  sample: [[auth], [user, kyc], [wallet]]
"""


def to_waves(services: t.Any) -> list[list[str]]:
    if not isinstance(services, (list, tuple)) or not all(
        isinstance(service, dict) and service.get("name") for service in services
    ):
        raise AnsibleFilterError(
            "waves: the input has to be a list of services, each a dictionary with a name."
        )
    found, problems = waves(services)
    if problems:
        raise AnsibleFilterError("waves: " + "; ".join(problems))
    return found


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"waves": to_waves}
