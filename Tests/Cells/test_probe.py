"""Nothing that cloister-probe tries gets out of a cell; and each attempt works where its walls are lowered."""

import os
import sys

import pytest

PROBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Probe")
sys.path.insert(0, PROBE)

import attempts  # noqa: E402
import planted  # noqa: E402
import steps  # noqa: E402

if os.geteuid() != 0:
    pytest.skip("only root can plant what belongs to others", allow_module_level=True)


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    plants = planted.Planted(attempts.build(str(tmp_path_factory.mktemp("probe"))))
    yield attempts.Runner(plants)
    plants.close()


@pytest.fixture(scope="module")
def table(runner):
    return attempts.table(runner.plants.probe)


def test_the_table_has_every_group_and_no_name_twice(table):
    assert len({each.name for each in table}) == len(table) >= 80
    groups = {"files", "processes", "kernel", "network", "resources", "descriptors", "races"}
    assert {each.group for each in table} == groups


def test_a_full_cell_denies_every_attempt(runner, table):
    findings = list(steps.findings_of_full(runner, table, steps.full(runner, table)))
    assert {each.attempt.name for each in findings} == set(steps.OPEN), "\n".join(map(str, findings))


def test_a_full_cell_denies_more_than_its_limits(runner, table):
    """Apart, for it is run in a booted machine as well, where nothing excuses memory."""
    resources = [each for each in table if each.group == "resources"]
    outcomes = steps.full(runner, resources)
    assert not list(steps.findings_of_full(runner, resources, outcomes))
    if "cgroup" not in runner.native_gaps:
        assert outcomes["memory-used"].outcome == "denied", outcomes["memory-used"]


def test_every_attempt_works_without_its_walls_and_each_wall_denies_alone(runner, table):
    lowered = steps.Lowered(runner, table).run()
    assert not lowered.findings, "\n".join(map(str, lowered.findings))
    # A machine may lack parts of a kernel, but not most of them.
    assert len(lowered.shown) > len(table) * 3 / 4
