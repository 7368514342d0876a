"""The probe's own table, and its runs: in a cell with some walls lowered, and in the stand-in."""

import contextlib
import dataclasses
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Cells"))

import cells  # noqa: E402
import planted  # noqa: E402

# Which part puts a wall up, and is told to fail it.
OUTSIDE = {"userns", "ipcns", "utsns", "netns", "cgroupns"}
INSIDE = {"timens", "keyring", "rlimits", "capabilities", "nonewprivs", "landlock", "seccomp", "descriptors"}
# The kernel gives these two only to a process that can gain no rights.
AFTER_NONEWPRIVS = {"landlock", "seccomp"}
# Together they would give a program the machine's own capabilities: never lowered in one cell.
NEVER_TOGETHER = {"userns", "capabilities"}

MEBI = 1 << 20
LIMITS = cells.Limits(
    memory_high=254 * MEBI, memory_most=256 * MEBI, tasks=64, open_files=200, file_bytes=16 * MEBI,
    locked_bytes=64 << 10, temporary_bytes=4 * MEBI, workspace_bytes=6 * MEBI,
)  # fmt: skip
ROOMY = dataclasses.replace(LIMITS, temporary_bytes=32 * MEBI, workspace_bytes=32 * MEBI)
BEYOND = {
    "PROBE_OPEN_FILES": LIMITS.open_files + 1,
    "PROBE_FILE_BYTES": LIMITS.file_bytes,
    "PROBE_LOCKED_BYTES": LIMITS.locked_bytes,
    "PROBE_TASKS": LIMITS.tasks + 16,
    "PROBE_MEMORY_BYTES": LIMITS.memory_most + 64 * MEBI,
    "PROBE_TEMPORARY_BYTES": LIMITS.temporary_bytes,
    "PROBE_WORKSPACE_BYTES": LIMITS.workspace_bytes,
    # The kernel keeps about a kilobyte for each.
    "PROBE_INODES": LIMITS.temporary_bytes // 1024 + 64,
}


@dataclasses.dataclass(frozen=True)
class Attempt:
    group: str
    name: str
    walls: frozenset
    lowering: str
    aim: str

    @property
    def lowerable(self):
        return self.walls & (OUTSIDE | INSIDE)


@dataclasses.dataclass(frozen=True)
class Outcome:
    outcome: str
    detail: str = ""

    def __str__(self):
        return f"{self.outcome} {self.detail}".strip()

    @property
    def is_of_this_kernel(self):
        """False when the kernel itself, asked without a wall, has no such thing: then nothing can be shown."""
        return self.outcome != "unavailable" and not self.detail.startswith(("ENOSYS", "EAFNOSUPPORT"))


def build(directory):
    """Where the programs are: built, unless there is no compiler and they came along (CLOISTER_PROBE)."""
    if built := os.environ.get("CLOISTER_PROBE"):
        return built
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "build.sh")
    subprocess.run([script, directory], check=True)
    return directory


def table(probe):
    lines = subprocess.run([probe, "--list"], check=True, capture_output=True, text=True).stdout.splitlines()
    rows = (line.split("\t") for line in lines)
    return [Attempt(group, name, frozenset(walls.split()), lowering, aim) for group, name, walls, lowering, aim in rows]


def parse(output):
    outcomes = {}
    for line in output.splitlines():
        _, name, outcome, *detail = line.split(" ", 3)
        outcomes[name] = Outcome(outcome, *detail)
    return outcomes


def closure(walls):
    return frozenset(walls) | (AFTER_NONEWPRIVS if "nonewprivs" in walls else frozenset())


class Runner:
    """Runs the probe. `native_gaps` are the walls that this machine cannot have."""

    def __init__(self, plants):
        self.plants = plants
        self.native_gaps = self._native_gaps()
        self.environment = {**plants.environment, **{name: str(value) for name, value in BEYOND.items()}}

    def _native_gaps(self):
        with cells.celld(best_effort=cells.NATIVE) as daemon:
            cell = daemon.build()
            gaps = frozenset(cell.gaps)
            cell.close()
        return gaps

    @contextlib.contextmanager
    def cell(self, lowered=frozenset(), grant=False, room=False):
        lowered = frozenset(lowered)
        assert not NEVER_TOGETHER <= closure(lowered), "a program would have the machine's own capabilities"
        gaps = closure(lowered) | self.native_gaps
        self.plants.plant_tree()
        options = {
            "best_effort": ",".join(sorted(gaps)),
            "inject": ",".join(f"wall:{wall}=1" for wall in sorted(lowered & OUTSIDE)),
            "inject_cells": ",".join(f"wall:{wall}=1" for wall in sorted(lowered & INSIDE)),
        }
        trees = [(self.plants.programs, False), (self.plants.tree, grant)]
        with cells.celld(**options) as daemon:
            cell = daemon.build(cells.plan(limits=ROOMY if room else LIMITS, trees=trees))
            # What stands is what was meant to stand, or the run would show something else.
            assert lowered - self.native_gaps <= set(cell.gaps) <= gaps, (sorted(lowered), cell.gaps)
            try:
                yield cell
            finally:
                cell.close()

    def in_cell(self, attempts, lowered=frozenset(), grant=False, room=False, remount=False):
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        variables += ["PROBE_SCRATCH=/workspace", "PATH=/usr/bin"]
        with self.cell(lowered, grant, room) as cell:
            if remount:
                ended, _, error = cell.run(self.plants.probe, "--remount", environment=variables)
                assert ended.exit == 0, error
            # One needs something that is started beside it, which would be in the others' way; one ends with its call.
            apart = {"start-watched": 40, "memory-used": 0}
            names = [each.name for each in attempts]
            outcomes = self._in_call(cell, [name for name in names if name not in apart], variables, 0)
            for name in apart.keys() & names:
                outcomes |= self._in_call(cell, [name], variables, apart[name])
            return outcomes

    def _in_call(self, cell, names, variables, beside):
        if not names:
            return {}
        call = cell.start([self.plants.probe, *names], environment=variables)
        for _ in range(beside):
            cell.start(["true"])
        ended, output, error = cell.finish(call)
        if ended.out_of_memory:
            return {name: Outcome("denied", "its call was ended") for name in names}
        assert ended.exit == 0, (ended.exit, ended.signal, error)
        return parse(output.decode())

    def in_stand_in(self, attempts, *options):
        self.plants.plant_tree()
        command = [self.plants.stand_in, *options, str(planted.USER), str(planted.INNER_ROOT), "/mnt"]
        command += [self.plants.private, "--", self.plants.probe, *(each.name for each in attempts)]
        environment = {**self.environment, **self.plants.environment_of_stand_in, "PROBE_SCRATCH": "/mnt"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (done.returncode, done.stderr)
        return parse(done.stdout)
