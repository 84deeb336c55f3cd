# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint gates of this repository, the virtualenvs they run in, and the artifact. Standard library only."""
