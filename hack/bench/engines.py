"""Engines that do the graphs: our operator, or the binary of another engine's controller."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench import proc
from bench.argo_flavour import ArgoFlavour
from bench.errors import BenchError
from bench.flavour import Flavour
from bench.plane import NAMESPACE, Plane
from bench.process import (
    Ended,
    OperatorProcess,
    Usage,
    a_free_port,
    a_process,
    an_operator,
    ending,
)
from bench.programs import ROOT
from bench.quota import limited
from bench.spectra_flavour import SpectraFlavour

FLAVOURS: dict[str, Callable[[], Flavour]] = {"argo": ArgoFlavour, "spectra": SpectraFlavour}


@dataclass(frozen=True, slots=True)
class Running:
    """An engine at work.

    Attributes:
        pid: Its process.
        began: When it was started, by the monotonic clock.
        ended: Says how it ended by itself; None while it runs.
        operator: What it tells of itself, if it is ours.
    """

    pid: int
    began: float
    ended: Ended
    operator: OperatorProcess | None = None

    def usage(self) -> Usage | None:
        """Return what it has used, as it tells itself; None for another engine."""
        return self.operator.usage() if self.operator else None

    def cpu(self) -> float:
        """Return the seconds of processor time that it has used."""
        return proc.cpu_seconds(self.pid)

    def cold_start(self) -> float | None:
        """Wait for its first pass and return how long that took; None for another engine."""
        return self.operator.first_pass() - self.began if self.operator else None


class Engine(Protocol):
    """Something that does workflows."""

    @property
    def name(self) -> str:
        """As in the report."""

    @property
    def flavour(self) -> Flavour:
        """Its objects."""

    @property
    def manifests(self) -> list[Path]:
        """What has to be applied to a fresh control plane, before it starts."""

    def running(self, plane: Plane, log: Path) -> AbstractContextManager[Running]:
        """Run it on a control plane until the end of the block."""


@dataclass(frozen=True)
class Operator:
    """Our operator, from this checkout.

    Attributes:
        cpus: Cores whose time it may use; 0 for all.
    """

    cpus: float = 0.0
    name: str = "spectra"

    @property
    def flavour(self) -> Flavour:
        """Its objects."""
        return SpectraFlavour()

    @property
    def manifests(self) -> list[Path]:
        """Its CustomResourceDefinitions."""
        return [ROOT / "crds"]

    @contextmanager
    def running(self, plane: Plane, log: Path) -> Iterator[Running]:
        """Run the operator as a process, with the settings that it is shipped with."""
        with (
            an_operator(plane.access_file, log, a_free_port()) as operator,
            limited(operator.pid, self.cpus, plane.name),
        ):
            yield Running(operator.pid, operator.began, operator.ended, operator)


@dataclass(frozen=True)
class Controller:
    """Another engine's controller as a process.

    Attributes:
        binary: The program.
        folder: Its manifests: CustomResourceDefinitions, and what its controller reads.
        flavour: Its objects.
        arguments: More of its command line; `{namespace}` stands for the benchmark's.
        cpus: Cores whose time it may use; 0 for all.
    """

    binary: Path
    folder: Path
    flavour: Flavour
    arguments: str = ""
    cpus: float = 0.0

    @property
    def name(self) -> str:
        """The program's name."""
        return self.binary.name

    @property
    def manifests(self) -> list[Path]:
        """All files of the folder."""
        return sorted(file for file in self.folder.iterdir() if file.suffix in {".yaml", ".yml"})

    @contextmanager
    def running(self, plane: Plane, log: Path) -> Iterator[Running]:
        """Run the controller with the benchmark's kubeconfig and this process's environment."""
        more = shlex.split(self.arguments.replace("{namespace}", NAMESPACE))
        command = [str(self.binary), f"--kubeconfig={plane.access_file}", *more]
        began = time.monotonic()
        with (
            a_process(command, log, dict(os.environ)) as process,
            limited(process.pid, self.cpus, plane.name),
        ):
            yield Running(process.pid, began, ending(process, log))


def another(binary: Path, folder: Path, flavour: str, arguments: str, cpus: float) -> Controller:
    """Return another engine.

    Raises:
        BenchError: The binary or the manifests are not there.
    """
    if not os.access(binary, os.X_OK):
        raise BenchError(f"--controller {binary}: is no program that can be run")
    engine = Controller(binary.resolve(), folder, FLAVOURS[flavour](), arguments, cpus)
    if not folder.is_dir() or not engine.manifests:
        raise BenchError(f"--manifests {folder}: there are no .yaml files in it")
    return engine
