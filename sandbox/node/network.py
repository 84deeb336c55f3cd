# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pods' bridge and the routes of the sandbox's own network. Nothing of it exists outside."""

from __future__ import annotations

from pathlib import Path

from sandbox.node.namespaces import Namespaces
from sandbox.settings import BRIDGE, NODE_IP, POD_CIDR, SERVICE_CIDR

# One shell inside the namespaces is quicker than a dozen programs from outside.
_SCRIPT = f"""
set -e
ip link show {BRIDGE} >/dev/null 2>&1 || ip link add {BRIDGE} type bridge
ip addr replace {NODE_IP}/{POD_CIDR.partition("/")[2]} dev {BRIDGE}
ip link set {BRIDGE} up
# A packet to a Service needs some route before iptables rewrites it, and there is no default one: so nothing that
# runs here can reach an address outside, either.
ip route replace {SERVICE_CIDR} dev {BRIDGE}
echo 1 > /proc/sys/net/ipv4/ip_forward
# A pod reaches a Service whose other pods are on the same bridge: bridged frames have to pass iptables.
if [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables; fi
for way in -i -o; do
  iptables -w -C FORWARD $way {BRIDGE} -j ACCEPT 2>/dev/null || iptables -w -I FORWARD $way {BRIDGE} -j ACCEPT
done
"""


def ensure(namespaces: Namespaces) -> None:
    namespaces.run(["sh", "-c", _SCRIPT])


def modules_wanted() -> list[str]:
    """Kernel modules that are not there yet; a kernel that has them built in is asked for none."""
    wanted = []
    if not Path("/proc/sys/net/bridge").exists():
        wanted.append("br_netfilter")
    if "overlay" not in Path("/proc/filesystems").read_text():
        wanted.append("overlay")
    return wanted
