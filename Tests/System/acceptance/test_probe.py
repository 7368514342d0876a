"""What cloister-probe tries in a cell that the installed package has made for an ordinary user's application, whose
limits and trees are policy's. That each attempt works where its walls are lowered is shown by `make probe`."""

import os
import pwd
import subprocess
import sys

import pytest

from administrator import policy
from services import Client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Probe"))

import attempts  # noqa: E402
import planted  # noqa: E402
import steps  # noqa: E402

BUILT = attempts.build("/run/probe")
TABLE = attempts.table(f"{BUILT}/cloister-probe")
GROUPS = ["files", "processes", "kernel", "network", "resources", "descriptors", "races"]
LACKING = set(filter(None, os.environ["CLOISTER_LACKING"].split(",")))
# These need something that is started beside them, or end with their call.
BESIDE = {"start-watched": 40, "memory-used": 0}
# Those of them that show what is planted, and change nothing.
PLAIN = """secret-by-path host-temporary host-shared-memory tcp udp abstract-stream abstract-datagram
    local-by-path received-by-path bystander-seen bystander-environment memory-shared queue-shared""".split()

RULES = """
clients:
  - name: probe
    match: {{user: ben}}
    rules:
      - allow: FILE_READ
        paths: ["{programs}/**", "{tree}/**"]
    limits: {{memory: {0.memory_most}, memory_high: {0.memory_high}, tasks: {0.tasks}, open_files: {0.open_files},
             file_size: {0.file_bytes}, locked_memory: {0.locked_bytes}, temporary: {0.temporary_bytes},
             disk: {0.workspace_bytes}}}
"""


@pytest.fixture(scope="module")
def plants():
    ben = pwd.getpwnam("ben").pw_uid
    # Not in /tmp: celld's unit has one of its own, and nothing there can be granted.
    planting = planted.Planted(BUILT, user=ben, place="/srv")
    # What stands in the table as a limit is what policy says below.
    planting.tell(**{name.removeprefix("PROBE_"): value for name, value in attempts.BEYOND.items()})
    yield planting
    planting.close()


@pytest.fixture(scope="module")
def cell(plants):
    rules = RULES.format(attempts.LIMITS, programs=plants.programs, tree=plants.tree)
    with policy("50-probe.yaml", rules), Client("ben", "probe") as client:
        yield client


def run(cell, plants, names, beside=0):
    if not names:
        return {}
    environment = {**plants.environment, "PROBE_SCRATCH": "/workspace"}
    call = cell.start("run_command", argv=[plants.probe, *names], environment=environment, timeout_seconds=240)
    for _ in range(beside):
        cell.start("run_command", argv=["true"])
    result = cell.wait(call, 250)
    fields = result.get("structuredContent", {})
    if fields.get("out_of_memory"):
        return {name: attempts.Outcome("denied", "its call was ended") for name in names}
    assert not result.get("isError") and fields["exit_code"] == 0, result
    return attempts.parse(fields["stdout"])


def test_the_table_has_every_group_and_no_name_twice():
    assert len({each.name for each in TABLE}) == len(TABLE) >= 80
    assert {each.group for each in TABLE} == set(GROUPS)


def test_what_is_planted_is_there_for_who_is_in_no_cell(plants):
    """Of the same user."""
    made = subprocess.run(
        [plants.probe, *PLAIN], user="ben", group="ben", extra_groups=[], env=plants.environment, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    outcomes = attempts.parse(made.stdout)
    assert {name for name in PLAIN if outcomes[name].outcome != "succeeded"} == set(), outcomes


@pytest.mark.parametrize("group", GROUPS)
def test_a_cell_of_the_package_denies_every_attempt(cell, plants, group):
    plants.plant_tree()
    table = [each for each in TABLE if each.group == group]
    outcomes = run(cell, plants, [each.name for each in table if each.name not in BESIDE])
    for each in table:
        if each.name in BESIDE:
            outcomes |= run(cell, plants, [each.name], BESIDE[each.name])
    counted = [each for each in table if not each.walls <= LACKING]
    found = {each.name: str(outcomes.get(each.name, steps.missing(each))) for each in counted
             if outcomes.get(each.name, steps.missing(each)).outcome not in ("denied", "unavailable")}  # fmt: skip
    assert found.keys() == steps.OPEN.keys() & {each.name for each in table}, found
    denied = sum(outcomes[each.name].outcome == "denied" for each in counted if each.name in outcomes)
    print(f"{len(counted)} attempts, {denied} denied, {len(counted) - len(found) - denied} not in this kernel")
    assert denied > len(counted) / 2
