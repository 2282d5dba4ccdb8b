"""The Debian packages that a local cluster needs, and installing them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cluster.console import Console
from cluster.errors import MissingProgram

# A program that proves that a package is there, and the package.
NEEDED: Mapping[str, str] = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "iptables": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "mount": "mount",
}
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find(program: str) -> str | None:
    """Return where a program is, looking also where root's programs are."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")


def missing() -> list[str]:
    """Return the packages that are not installed, each once."""
    return sorted({package for program, package in NEEDED.items() if find(program) is None})


def ensure(console: Console) -> None:
    """Install what is missing, on Debian and its kin.

    Raises:
        MissingProgram: Something is missing and can't be installed here.
    """
    absent = missing()
    if not absent:
        return
    install = "apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120"
    fix = f"apt-get update && {install} {' '.join(absent)}"
    if find("apt-get") is None:
        raise MissingProgram(f"missing: {', '.join(absent)} (the names of the Debian packages)")
    console.say(f"installing the Debian packages {', '.join(absent)}")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["sh", "-c", fix], env=environ, capture_output=True, text=True, check=False
    )
    still = missing()
    if still:
        tail = (done.stdout + done.stderr)[-800:]
        raise MissingProgram(
            f"{', '.join(still)} could not be installed; run as root: {fix}\n{tail}"
        )


def bridge_filter_ready() -> bool:
    """Tell whether bridged packets pass the firewall, as Services between pods need.

    Loads the kernel module for it if it can.
    """
    setting = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    modprobe = find("modprobe")
    if not setting.exists() and modprobe is not None:
        subprocess.run([modprobe, "br_netfilter"], capture_output=True, check=False)
    return setting.exists()
