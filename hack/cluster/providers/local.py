"""A cluster of real components as processes of this machine: Linux, and root."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from cluster import catalog, cleanup, commands, components, host, network, packages, processes
from cluster import sandbox as sandboxes
from cluster import state as states
from cluster.components import CONTAINERD, SANDBOX, START_ORDER, Layout
from cluster.config import PAUSE_IMAGE
from cluster.errors import ClusterError, ComponentFailed, ProviderRefused
from cluster.images import ImageSpec, write_oci_archive
from cluster.lock import locked
from cluster.providers.base import Context, Health
from cluster.providers.local_files import write_files
from cluster.providers.local_ready import Readiness
from cluster.providers.repair import Action, Observation, plan
from cluster.state import ClusterState


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
        self._check_possible()
        state = self._load()
        found = self._observe(state)
        action, reason = plan(found)
        if action is Action.KEEP:
            return
        if state is not None and action is Action.REPAIR and self._repair(state, found, reason):
            return
        if action is not Action.CREATE:
            self._say(f"making the cluster anew: {reason}")
            self.down()
        self._create()

    def down(self) -> None:
        """End every process of the cluster and remove all it left on the machine.

        Raises:
            ProviderRefused: We are not root.
            ClusterError: A process does not end, or a folder can't be removed.
        """
        self._check_possible()
        state = self._load()
        cgroups = cleanup.cgroup_folders(f"spectra-{self._paths.name}")
        self._kill_processes(state, cgroups)
        mountinfo = Path("/proc/self/mountinfo").read_text()
        index = state.index if state is not None else None
        mounts = cleanup.mounts_under(mountinfo, [self._paths.root, self._paths.run])
        for command in cleanup.host_commands(mounts, index):
            commands.attempt(command)
        if state is not None and not host.other_clusters(self._paths):
            host.restore_settings(state.sysctls)
            host.remove_folders(state.folders)
        left = cleanup.remove_cgroups(cgroups)
        if left:
            self._say(f"control groups left behind: {', '.join(map(str, left))}")
        for folder in (self._paths.run, self._paths.root):
            shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                raise ClusterError(f"{folder} could not be removed: remove it by hand")

    def status(self) -> Health:
        """Tell which components run and whether the API server and the node are ready."""
        state = self._load()
        if state is None:
            return Health(False, ("no such cluster",))
        alive = {name: processes.is_alive(process) for name, process in state.processes.items()}
        lines = [
            f"{name:<24} pid {state.processes[name].pid:<8} {'running' if up else 'DEAD'}"
            for name, up in alive.items()
        ]
        missing = Readiness(self._paths).missing(state)
        lines.append(f"{'checks':<24} {', '.join(missing) or 'all passed'}")
        return Health(all(alive.values()) and not missing, tuple(lines))

    def load_images(self, files: Sequence[Path]) -> None:
        """Import OCI or Docker archives into the cluster's containerd.

        Raises:
            ClusterError: containerd refused an archive, or does not run.
        """
        for file in files:
            self._import(file)

    def command_prefix(self) -> list[str]:
        """Return the prefix that runs a command in the cluster's network."""
        return components.inside_network(self._paths.netns)

    def _check_possible(self) -> None:
        refusal = why_not(os.uname().sysname, os.geteuid())
        if refusal:
            raise ProviderRefused(refusal)

    def _load(self) -> ClusterState | None:
        try:
            return states.load(self._paths.state_file)
        except ClusterError as error:
            self._say(f"warning: {error}")
            return None

    def _observe(self, state: ClusterState | None) -> Observation:
        if state is None:
            return Observation(exists=self._paths.root.exists() or self._paths.run.exists())
        dead = [
            name
            for name in START_ORDER
            if name not in state.processes or not processes.is_alive(state.processes[name])
        ]
        return Observation(
            exists=True,
            recorded=True,
            same_boot=state.boot_id == states.boot_id(),
            network=host.is_namespace(self._paths.netns),
            dead=tuple(dead),
            ready=not dead and not Readiness(self._paths).missing(state),
        )

    def _create(self) -> None:
        packages.ensure(self._context.console)
        if not packages.bridge_filter_ready():
            self._say("warning: Services between pods need: modprobe br_netfilter")
        binaries = self._context.builder.ensure(catalog.LOCAL_BINARIES)
        self._say(f"starting Kubernetes {catalog.version(catalog.KUBERNETES)}")
        try:
            state, layout = self._prepare(binaries)
            write_files(layout)
            self._start(state, layout, START_ORDER)
        except BaseException:
            self._say(f"the logs are in {self._paths.logs}; `down` removes what was made")
            raise

    def _prepare(self, binaries: dict[str, Path]) -> tuple[ClusterState, Layout]:
        """Record what is about to be made, then make folders, network and control groups."""
        for folder in (self._paths.root, self._paths.run, self._paths.logs, self._paths.conf):
            folder.mkdir(parents=True, exist_ok=True)
        self._paths.netns.touch()
        with locked(self._context.builder.cache / "index.lock", str(os.getpid()), self._say):
            others = host.other_clusters(self._paths)
            index = network.free_index(host.taken_indexes(others, host.interfaces()))
            made = host.make_folders(sandboxes.private_folders(self._paths))
            state = ClusterState(
                provider=self.name,
                boot_id=states.boot_id(),
                index=index,
                version=catalog.version(catalog.KUBERNETES),
                sysctls=host.settings(others),
                folders=(*(others[0].folders if others else ()), *made),
            )
            states.save(self._paths.state_file, state)
        layout = Layout(self._paths, network.HostLink(index), binaries)
        cleanup.make_cgroup(layout.cgroup_root.lstrip("/"))
        for command in network.create_commands(self._paths.netns, layout.link):
            commands.run(command)
        return state, layout

    def _repair(self, state: ClusterState, found: Observation, reason: str) -> bool:
        """Start what is dead, and tell whether the cluster became ready."""
        self._say(f"repairing the cluster: {reason}")
        binaries = self._context.builder.ensure(catalog.LOCAL_BINARIES)
        layout = Layout(self._paths, network.HostLink(state.index), binaries)
        try:
            self._start(state, layout, found.dead)
        except ComponentFailed as error:
            self._say(f"the repair failed: {error}")
            return False
        return True

    def _start(self, state: ClusterState, layout: Layout, names: Sequence[str]) -> None:
        """Start the named components, and wait until the whole cluster is ready."""
        readiness = Readiness(self._paths)
        # A wait ends when a recorded process is dead, and these are still to come.
        state = state.without(names)
        late = [name for name in names if name in components.NODE_AND_CONTROLLERS]
        for name in names:
            if name in late:
                continue
            state = self._start_one(name, state, layout)
            if name == CONTAINERD:
                readiness.wait_for_socket(state)
        readiness.wait_for_api_server(state)
        for name in late:
            state = self._start_one(name, state, layout)
        # Each time: an interrupted start may have left containerd without it.
        self._load_pause(layout)
        readiness.wait(state)
        self._say("the cluster is ready")

    def _start_one(self, name: str, state: ClusterState, layout: Layout) -> ClusterState:
        changed = state.with_process(name, self._spawn(name, state, layout))
        states.save(self._paths.state_file, changed)
        return changed

    def _spawn(self, name: str, state: ClusterState, layout: Layout) -> processes.ProcessId:
        # Nothing else from our environment: a proxy set there would take the API's requests.
        environ = {"PATH": packages.SYSTEM_PATH, "HOME": str(self._paths.root)}
        if name == SANDBOX:
            return sandboxes.start(self._paths, environ)
        if name == CONTAINERD:
            # A socket that a dead one left would pass for ready.
            self._paths.containerd_socket.unlink(missing_ok=True)
        prefix = components.inside_sandbox(self._paths.netns, state.processes[SANDBOX].pid)
        command = [*prefix, *components.COMMANDS[name](layout)]
        return processes.spawn(command, self._paths.log(name), environ)

    def _load_pause(self, layout: Layout) -> None:
        archive = self._paths.root / "pause.tar"
        spec = ImageSpec(PAUSE_IMAGE, {"/pause": layout.binaries["pause"]}, ["/pause"])
        write_oci_archive(spec, os.uname().machine, archive)
        self._import(archive)
        archive.unlink()

    def _import(self, file: Path) -> None:
        if not file.is_file():
            raise ClusterError(f"there is no image archive {file}")
        socket = str(self._paths.containerd_socket)
        command = ["ctr", "--address", socket, "--namespace", "k8s.io", "images", "import"]
        commands.run([*command, str(file)])

    def _kill_processes(self, state: ClusterState | None, cgroups: Sequence[Path]) -> None:
        """Kill the components first, so that nobody starts a pod again, then pods and shims."""
        if state is not None and state.boot_id == states.boot_id():
            processes.kill(list(state.processes.values()))
        processes.kill(processes.identify(cleanup.cgroup_pids(cgroups)))
        inside = processes.pids_in_network(self._paths.netns)
        left = processes.kill(processes.identify(inside))
        if left:
            pids = ", ".join(str(process.pid) for process in left)
            raise ClusterError(f"processes {pids} do not end; the logs are in {self._paths.logs}")


def why_not(system: str, user: int) -> str:
    """Return why a local cluster can't run here, or "" when it can.

    Args:
        system: The kernel's name, such as ``Linux``.
        user: The effective user id.
    """
    if system != "Linux":
        return "a local cluster needs Linux: use --provider kind with a Docker engine"
    if user != 0:
        return "a local cluster needs root: run as root, or use --provider kind"
    return ""
