# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo platform: its images, its manifests, where it runs, the load on it, the story of its two releases."""
