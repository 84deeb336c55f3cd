# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Kubernetes, a registry, metrics, an ingress and a demo platform on one machine. See README.md."""
