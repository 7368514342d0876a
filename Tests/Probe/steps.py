"""What is asserted of every attempt: that a full cell denies it, that it works where its walls are lowered (a check
that cannot fail says nothing), and that each of several walls denies it alone.

How walls are lowered, by the table's fourth column:

    walls     celld or the cell is told to fail them (debug builds), in a cell of its own namespaces
    stand-in  no cell lacks mountns, pidns and fileview: the probe runs in other namespaces without them, with the
              host's files read-only and with a process that plays the host's (stand-in.c)
    grant     the plan grants the tree for writing
    room      the plan has higher limits
    remount   the walls that keep programs from mounting are lowered, and the root is mounted writable
    absence   the cell that lacks the wall is the full one of a machine that cannot have it
    never     it needs a right over the machine itself, or another program's help: its denial is asserted, no more
"""

import collections
import dataclasses

from attempts import NEVER_TOGETHER, Outcome, closure

# What the kernel lets nobody close. An attempt that is denied after all has to go from here.
OPEN = {"uptime-difference": "/proc/PID/timens_offsets tells everybody in a time namespace its difference"}
MOUNTING = frozenset({"seccomp", "capabilities", "landlock"})
# What the stand-in's program must be given for an attempt that is about rights.
CAPABLE = {"root-become", "groups-set"}
BY_EXEC = {"set-uid", "file-rights"}


@dataclasses.dataclass
class Finding:
    """One thing that is not as it has to be."""

    attempt: object
    where: str
    expected: str
    outcome: Outcome

    def __str__(self):
        return (
            f"{self.attempt.group} {self.attempt.name}: {self.outcome} {self.where}, and not {self.expected}"
            f" (walls: {', '.join(sorted(self.attempt.walls))}; success: {self.attempt.aim})"
        )


def missing(attempt):
    return Outcome("error", f"{attempt.name} said nothing")


def full(runner, attempts):
    """Step 2: everything, in a cell that lacks nothing."""
    return runner.in_cell(attempts)


def findings_of_full(runner, attempts, outcomes):
    for attempt in attempts:
        outcome = outcomes.get(attempt.name, missing(attempt))
        if attempt.walls <= runner.native_gaps:
            continue  # there is nothing here that could deny it
        if outcome.outcome not in ("denied", "unavailable"):
            yield Finding(attempt, "in a full cell", "denied", outcome)


class Lowered:
    """Step 3. `shown` are the attempts that succeeded without their walls; `unshown` says why others did not."""

    def __init__(self, runner, attempts):
        self.runner, self.attempts = runner, attempts
        self.findings, self.shown, self.unshown = [], {}, {}
        self.alone = 0

    def run(self):
        by_lowering = collections.defaultdict(list)
        for attempt in self.attempts:
            by_lowering[attempt.lowering].append(attempt)
        self._without_walls(by_lowering["walls"])
        self._in_stand_in(by_lowering["stand-in"])
        self._succeed("where the tree is granted for writing", by_lowering["grant"], grant=True)
        self._succeed("where there is more room", by_lowering["room"], room=True)
        self._succeed("where the root is writable", by_lowering["remount"], lowered=MOUNTING, remount=True)
        self._by_absence(by_lowering["absence"])
        for attempt in by_lowering["never"]:
            self.unshown[attempt.name] = "nothing that may be lowered lets it through"
        self._alone()
        return self

    def _expect(self, expected, where, attempts, outcomes):
        for attempt in attempts:
            outcome = outcomes.get(attempt.name, missing(attempt))
            if expected == "succeeded" and not outcome.is_of_this_kernel:
                self.unshown[attempt.name] = f"not in this kernel ({outcome})"
            elif outcome.outcome != expected:
                self.findings.append(Finding(attempt, where, expected, outcome))
            elif expected == "succeeded":
                self.shown[attempt.name] = where

    def _succeed(self, where, attempts, **options):
        if attempts:
            self._expect("succeeded", where, attempts, self.runner.in_cell(attempts, **options))

    def _without_walls(self, attempts):
        by_walls = collections.defaultdict(list)
        for attempt in attempts:
            by_walls[attempt.walls].append(attempt)
        for walls, some in sorted(by_walls.items(), key=lambda item: sorted(item[0])):
            if walls & {"rlimits"} and "cgroup" not in self.runner.native_gaps:
                # Tasks are limited twice, and nothing lowers a control group that is there.
                for attempt in some:
                    if attempt.name == "processes-made":
                        self.unshown[attempt.name] = "the control group limits tasks as well"
                some = [attempt for attempt in some if attempt.name not in self.unshown]
            self._succeed(f"without {', '.join(sorted(walls))}", some, lowered=walls)

    def _in_stand_in(self, attempts):
        capable = [attempt for attempt in attempts if attempt.name in CAPABLE]
        plain = [attempt for attempt in attempts if attempt.name not in CAPABLE]
        by_exec = [attempt for attempt in attempts if attempt.name in BY_EXEC]
        runner = self.runner
        if plain:
            self._expect("succeeded", "in the stand-in", plain, runner.in_stand_in(plain))
        if capable:
            self._expect("succeeded", "in the stand-in", capable, runner.in_stand_in(capable, "--capable"))
        if by_exec:
            # With everything else as where it just succeeded.
            outcomes = runner.in_stand_in(by_exec, "--no-new-privs")
            self._expect("denied", "in the stand-in with no_new_privs alone", by_exec, outcomes)

    def _by_absence(self, attempts):
        here = [attempt for attempt in attempts if attempt.walls <= self.runner.native_gaps]
        self._succeed("in the full cell of a machine that lacks the wall", here)
        for attempt in attempts:
            if attempt not in here:
                self.unshown[attempt.name] = "this machine has the wall, and nothing lowers it"

    def _alone(self):
        """Each wall of several, with the others lowered, as far as they can be."""
        by_lowered = collections.defaultdict(list)
        for attempt in self.attempts:
            if len(attempt.walls) < 2 or attempt.lowering in ("never", "absence"):
                continue
            for lowered in standing_alone(attempt):
                by_lowered[lowered].append(attempt)
        for lowered, some in sorted(by_lowered.items(), key=lambda item: sorted(item[0])):
            self.alone += len(some)
            where = f"without {', '.join(sorted(lowered))} alone"
            self._expect("denied", where, some, self.runner.in_cell(some, lowered=lowered))


def standing_alone(attempt):
    """The sets of walls to lower, so that in each run one wall of the attempt stands that can be lowered, or all that
    cannot be. Nothing is lowered that would take the standing one with it."""
    if attempt.walls == attempt.lowerable and not attempt.walls >= NEVER_TOGETHER:
        sets = [attempt.walls - {wall} for wall in attempt.walls]
    elif attempt.lowerable >= NEVER_TOGETHER:
        sets = [attempt.lowerable - {wall} for wall in NEVER_TOGETHER]
    else:
        sets = [attempt.lowerable]
    return [frozenset(lowered) for lowered in sets if lowered and not attempt.walls <= closure(lowered)]
