"""A cluster of real components as processes of this machine: Linux, and root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cluster import catalog, cleanup, components, config, network, packages, processes, sandbox
from cluster import state as states
from cluster.components import CONTAINERD, SANDBOX, START_ORDER, Layout
from cluster.errors import ClusterError, ComponentFailed, ProviderRefused
from cluster.images import ImageSpec, write_oci_archive
from cluster.paths import ClusterPaths
from cluster.providers.base import Context, Health
from cluster.providers.local_files import write_files
from cluster.providers.local_ready import Readiness
from cluster.providers.repair import Action, Observation, plan
from cluster.state import ClusterState

GRACE_SECONDS = 3.0
# Settings of the whole host that the kubelet changes, restored by ``down``.
KUBELET_SYSCTLS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
)
SYSCTLS = Path("/proc/sys")


class LocalProvider:
    """Runs the cluster's components as processes of this machine."""

    name = "local"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._paths = context.paths
        self._say = context.console.say

    def up(self) -> None:
        """Make the cluster ready: leave it, repair it or make it anew.

        Raises:
            ProviderRefused: This is not Linux, or we are not root.
            ComponentFailed: A component did not start; the message names its log.
        """
        refusal = why_not()
        if refusal:
            raise ProviderRefused(refusal)
        state = states.load(self._paths.state_file)
        action, reason = plan(self._observe(state))
        if action is Action.KEEP:
            return
        if action is Action.REPAIR and state is not None and self._repair(state, reason):
            return
        if state is not None:
            self._say(f"making the cluster anew: {reason}")
            self.down()
        self._create()

    def down(self) -> None:
        """End every process of the cluster and remove all it left on the machine."""
        state = states.load(self._paths.state_file)
        cgroups = cleanup.cgroup_folders(f"spectra-{self._paths.name}")
        self._end_processes(state, cgroups)
        mountinfo = Path("/proc/self/mountinfo").read_text()
        for mount in cleanup.mounts_under(mountinfo, [self._paths.root, self._paths.run]):
            subprocess.run(["umount", "--lazy", mount], capture_output=True)
        if state is not None:
            link = network.HostLink(state.index)
            for command in network.delete_commands(self._paths.netns, link):
                subprocess.run(command, capture_output=True)
            self._restore_host(state)
        left = cleanup.remove_cgroups(cgroups)
        if left:
            self._say(f"control groups left behind: {', '.join(map(str, left))}")
        shutil.rmtree(self._paths.run, ignore_errors=True)
        shutil.rmtree(self._paths.root, ignore_errors=True)
        if self._paths.root.exists():
            raise ClusterError(f"{self._paths.root} could not be removed: remove it by hand")

    def status(self) -> Health:
        """Tell which components run and whether the API server and the node are ready."""
        state = states.load(self._paths.state_file)
        if state is None:
            return Health(False, ("no such cluster",))
        alive = {name: processes.is_alive(process) for name, process in state.processes.items()}
        lines = [
            f"{name:<24} pid {state.processes[name].pid:<8} {'running' if up else 'DEAD'}"
            for name, up in alive.items()
        ]
        waiting_for = Readiness(self._paths).missing()
        lines.append(f"{'checks':<24} {', '.join(waiting_for) or 'all passed'}")
        return Health(all(alive.values()) and not waiting_for, tuple(lines))

    def load_images(self, files: Sequence[Path]) -> None:
        """Import OCI or Docker archives into the cluster's containerd.

        Raises:
            ClusterError: containerd refused an archive.
        """
        for file in files:
            self._import(file)

    def _observe(self, state: ClusterState | None) -> Observation:
        if state is None:
            return Observation(exists=False)
        dead = [
            name
            for name in START_ORDER
            if name not in state.processes or not processes.is_alive(state.processes[name])
        ]
        same_boot = state.boot_id == states.boot_id()
        ready = same_boot and not dead and not Readiness(self._paths).missing()
        return Observation(
            exists=True,
            same_boot=same_boot,
            network=self._paths.netns.exists(),
            dead=tuple(dead),
            ready=ready,
        )

    def _create(self) -> None:
        packages.ensure(self._context.console)
        if not packages.bridge_filter_ready():
            self._say(
                "warning: the kernel module br_netfilter is missing; run: modprobe br_netfilter"
            )
        binaries = self._context.builder.ensure(catalog.LOCAL_BINARIES)
        self._say(f"starting Kubernetes {catalog.version(catalog.KUBERNETES)}")
        state, layout = self._prepare(binaries)
        write_files(layout)
        try:
            state = self._start(state, layout, START_ORDER)
            Readiness(self._paths).wait(state, self._context.console)
        except BaseException:
            self._say(f"the logs are in {self._paths.logs}")
            raise

    def _prepare(self, binaries: dict[str, Path]) -> tuple[ClusterState, Layout]:
        """Record what is about to be made, then make folders, network and control groups."""
        index = network.free_index(_taken_indexes(self._paths))
        layout = Layout(self._paths, network.HostLink(index), binaries)
        for folder in (self._paths.root, self._paths.run, self._paths.logs, self._paths.conf):
            folder.mkdir(parents=True, exist_ok=True)
        self._paths.netns.touch()
        state = ClusterState(
            provider=self.name,
            boot_id=states.boot_id(),
            index=index,
            version=catalog.version(catalog.KUBERNETES),
            sysctls=_read_sysctls(),
            folders=sandbox.make_folders(sandbox.private_folders(self._paths)),
        )
        states.save(self._paths.state_file, state)
        cleanup.make_cgroup(layout.cgroup_root.lstrip("/"))
        for command in network.create_commands(self._paths.netns, layout.link):
            _run(command)
        return state, layout

    def _repair(self, state: ClusterState, reason: str) -> bool:
        """Start what is dead, and tell whether the cluster became ready."""
        self._say(f"repairing the cluster: {reason}")
        binaries = self._context.builder.ensure(catalog.LOCAL_BINARIES)
        layout = Layout(self._paths, network.HostLink(state.index), binaries)
        dead = [name for name in START_ORDER if not processes.is_alive(state.processes[name])]
        try:
            state = self._start(state, layout, dead)
            Readiness(self._paths).wait(state, self._context.console)
        except ComponentFailed as error:
            self._say(f"the repair failed: {error}")
            return False
        return True

    def _start(self, state: ClusterState, layout: Layout, names: Sequence[str]) -> ClusterState:
        readiness = Readiness(self._paths)
        for name in names:
            if name in components.NODE_AND_CONTROLLERS:
                readiness.wait_for_api_server(state)
            process = self._start_one(name, state, layout)
            state = state.with_process(name, process)
            states.save(self._paths.state_file, state)
            if name == CONTAINERD:
                readiness.wait_for_socket(state)
                self._load_pause(layout)
        return state

    def _start_one(self, name: str, state: ClusterState, layout: Layout) -> processes.ProcessId:
        environ = {**self._context.environ, "PATH": packages.SYSTEM_PATH}
        if name == SANDBOX:
            return sandbox.start(self._paths, environ)
        prefix = components.inside_sandbox(self._paths.netns, state.processes[SANDBOX].pid)
        command = [*prefix, *components.COMMANDS[name](layout)]
        return processes.spawn(command, self._paths.log(name), environ)

    def _load_pause(self, layout: Layout) -> None:
        program = layout.binaries["pause"]
        archive = self._paths.root / "pause.tar"
        spec = ImageSpec(config.PAUSE_IMAGE, {"/pause": program}, ["/pause"])
        write_oci_archive(spec, os.uname().machine, archive)
        self._import(archive)
        archive.unlink()

    def _import(self, file: Path) -> None:
        command = [packages.find("ctr") or "ctr", "--address", str(self._paths.containerd_socket)]
        command += ["--namespace", "k8s.io", "images", "import", str(file)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise ClusterError(f"image archive {file} could not be loaded: {done.stderr.strip()}")

    def _end_processes(self, state: ClusterState | None, cgroups: list[Path]) -> None:
        """End the components first, so that nobody starts a pod again, then pods and shims."""
        if state is not None and state.boot_id == states.boot_id():
            tracked = [process for name, process in state.processes.items() if name != SANDBOX]
            processes.end(tracked, GRACE_SECONDS)
        pods = cleanup.cgroup_pids(cgroups)
        processes.end(processes.identify(pods), 0)
        rest = processes.pids_in_network(self._paths.netns)
        left = processes.end(processes.identify(rest), 0)
        if left:
            pids = ", ".join(str(process.pid) for process in left)
            raise ClusterError(f"processes {pids} do not end; the logs are in {self._paths.logs}")

    def _restore_host(self, state: ClusterState) -> None:
        for setting, value in state.sysctls.items():
            path = SYSCTLS / setting
            if path.exists() and path.read_text().strip() != value:
                path.write_text(value)
        for folder in reversed(state.folders):
            if Path(folder).is_dir() and not any(Path(folder).iterdir()):
                Path(folder).rmdir()


def why_not() -> str:
    """Return why a local cluster can't run here, or "" when it can."""
    if os.uname().sysname != "Linux":
        return "a local cluster needs Linux: use --provider kind with a Docker engine"
    if os.geteuid() != 0:
        return "a local cluster needs root: run as root, or use --provider kind"
    return ""


def _read_sysctls() -> dict[str, str]:
    paths = {name: SYSCTLS / name for name in KUBELET_SYSCTLS}
    return {name: path.read_text().strip() for name, path in paths.items() if path.exists()}


def _taken_indexes(paths: ClusterPaths) -> set[int]:
    files = paths.root.parent.glob("*/state.json")
    found = {state.index for file in files if (state := states.load(file)) is not None}
    links = {name.removeprefix("spectra") for name in os.listdir("/sys/class/net")}
    return found | {int(name) for name in links if name.isdigit()}


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PATH": packages.SYSTEM_PATH}
    )
    if done.returncode != 0:
        raise ClusterError(f"{' '.join(command)} failed: {done.stderr.strip()}")
