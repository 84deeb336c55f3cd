# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stops a command of the sandbox, said in sentences instead of a traceback."""

from __future__ import annotations


class SandboxError(Exception):
    """The message says what went wrong, why, and what to do next."""
