# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What names and versions may look like."""

from __future__ import annotations

# RFC 1123 label: what Kubernetes takes as the name of a namespace, and of a Service.
LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
LABEL_ALLOWED = "lower-case letters, digits and '-', at most 63, beginning and ending with a letter or digit"
# The OCI distribution specification's tag.
TAG = "[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
TAG_ALLOWED = (
    "a quoted string of letters, digits, '_', '.', '-', at most 128 (an unquoted 1.10 is the number 1.1)"
)
# One service may be pinned to a digest; the release itself is named by a tag.
VERSION = f"sha256:[0-9a-f]{{64}}|{TAG}"
VERSION_ALLOWED = f"{TAG_ALLOWED}, or a digest, sha256:..."
