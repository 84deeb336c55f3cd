# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""containerd: runs the pods' containers. Its paths under /run are private to the sandbox (see namespaces.py)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from sandbox.components.base import Component
from sandbox.demo.image_archive import image_archive
from sandbox.settings import BRIDGE, POD_CIDR

# The path that cAdvisor inside the kubelet reads, whatever the settings of the kubelet say.
SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "localhost/sandbox/pause:1"


class Containerd(Component):
    name = "containerd"

    @property
    def _registries(self) -> Path:
        return self.folder / "registries"

    @property
    def _cni(self) -> Path:
        return self.folder / "cni"

    def files(self) -> dict[Path, str]:
        registry = f"http://{self.settings.registry}"
        # `server` keeps any other host from being asked: every image name is answered by the sandbox's
        # registry, so manifests keep their public image names and nothing outside this machine is reached.
        hosts = f'server = "{registry}"\n[host."{registry}"]\n  capabilities = ["pull", "resolve"]\n'
        return {
            self._registries / self.settings.registry / "hosts.toml": hosts,
            self._registries / "_default" / "hosts.toml": hosts,
            self._cni / "10-sandbox.conflist": json.dumps(self._network(), indent=1),
            self.folder / "config.toml": self._config(),
        }

    def _network(self) -> dict[str, object]:
        """One bridge, addresses from the node's pod range. No host ports:
        their plugin runs iptables for every pod, and nothing uses them.
        """
        addresses = {
            "type": "host-local",
            "dataDir": "/run/cni-addresses",
            "ranges": [[{"subnet": POD_CIDR}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        }
        bridge = {
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": True,
            "ipMasq": False,
            "hairpinMode": True,
            "ipam": addresses,
        }
        return {"cniVersion": "0.4.0", "name": "sandbox", "plugins": [bridge]}

    def _config(self) -> str:
        return f"""version = 2
root = "{self.folder}/root"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  stream_server_address = "127.0.0.1"
  enable_selinux = false
  disable_apparmor = true
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  # Without CAP_SYS_RESOURCE nobody may lower an oom_score_adj; a pod's first process asks for -998 and runc would die.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{self._cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{self._registries}"
"""

    def argv(self) -> list[str]:
        return ["containerd", "--config", str(self.folder / "config.toml")]

    def _ctr(self, *arguments: str) -> list[str]:
        return ["ctr", "--address", SOCKET, "--namespace", "k8s.io", *arguments]

    def healthy(self) -> bool:
        return (
            self.sandbox.namespaces.path(SOCKET).is_socket()
            and self.sandbox.namespaces.run(self._ctr("version"), check=False).returncode == 0
        )

    def settle(self) -> None:
        """The image of the process that holds a pod's namespaces; it is made here, not pulled."""
        pause = Path(self.sandbox.program("pause")).read_bytes()
        wanted = hashlib.sha256(pause).hexdigest()
        imported = self.folder / "root" / "pause-image"
        if imported.exists() and imported.read_text() == wanted:
            return
        archive = self.folder / "pause.tar"
        archive.write_bytes(image_archive(PAUSE_IMAGE, "pause", pause))
        self.sandbox.namespaces.run(self._ctr("images", "import", "--snapshotter", "overlayfs", str(archive)))
        archive.unlink()
        imported.write_text(wanted)
