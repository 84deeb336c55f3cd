# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Mirrors OPTIONS of plugins/module_utils/_aws/options.py.
    DOCUMENTATION = r"""
options:
  endpoint_url:
    description: Address of a server other than that of AWS.
    type: str
  region:
    description: Region of AWS.
    type: str
  profile:
    description: Profile of the AWS configuration files to use.
    type: str
  access_key:
    description:
      - Access key.
      - Without it boto3 itself finds credentials, in E(AWS_ACCESS_KEY_ID), in its files, and in the role of the machine or pod.
    type: str
  secret_key:
    description: Secret key.
    type: str
  session_token:
    description: Session token of temporary credentials.
    type: str
  ca_bundle:
    description: Path of the certificates that the server's own is checked against.
    type: path
  request_timeout:
    description:
      - Seconds that the server may stay silent during one request, at least 1.
      - A request that fails this way is sent again, three times at most.
    type: int
    default: 60
requirements:
  - boto3, where AWS or a server that speaks its language is used
"""
