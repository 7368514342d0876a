"""`make probe`: what gets out of a cell, and what of the same attempts gets out of bwrap and firejail.

    probe.py BUILD_DIRECTORY

Runs every attempt of cloister-probe in a full cell, and again where its walls are lowered (steps.py says how), and
prints a table. Ends with 1 if anything succeeded in the cell, or nothing showed that an attempt can succeed.
Needs root, because the walls that an ordinary user's celld puts up are the same and what is planted would be its own.
"""

import collections
import os
import sys

import attempts
import peers
import planted
import steps


def short(outcome):
    if outcome is None:
        return "-"
    word = {"succeeded": "SUCCEEDED", "unavailable": "n/a"}.get(outcome.outcome, outcome.outcome)
    error = outcome.detail.split(" ")[0]
    return f"{word} {error}" if word == "denied" and error.isupper() else word


def print_table(table, columns, lowered):
    print(f"{'attempt':34}{'walls':32}" + "".join(f"{name:23}" for name in columns) + "without walls")
    for attempt in table:
        name = f"{attempt.group} {attempt.name}"
        cells = "".join(f"{short(outcomes.get(attempt.name)):23}" for outcomes in columns.values())
        shown = "succeeded" if attempt.name in lowered.shown else "not shown"
        print(f"{name:34}{' '.join(sorted(attempt.walls)):32}{cells}{shown}")


def print_totals(table, columns):
    print()
    print(f"{'total':66}" + "".join(f"{name:23}" for name in columns))
    for word in "denied", "succeeded", "unavailable", "error":
        counts = [
            sum(outcomes.get(each.name, steps.missing(each)).outcome == word for each in table)
            for outcomes in columns.values()
        ]
        print(f"{word:66}" + "".join(f"{count:<23}" for count in counts))


def main(directory):
    if os.geteuid() != 0:
        print("probe: only root can plant what belongs to others", file=sys.stderr)
        return 2
    plants = planted.Planted(attempts.build(directory))
    try:
        runner = attempts.Runner(plants)
        table = attempts.table(plants.probe)
        columns = {"cell": steps.full(runner, table)}
        findings = list(steps.findings_of_full(runner, table, columns["cell"]))
        lowered = steps.Lowered(runner, table).run()
        findings += lowered.findings
        for name in peers.PEERS:
            outcomes = peers.run(name, runner, table)
            if isinstance(outcomes, str):
                print(f"{name} is not compared: {outcomes}")
            else:
                columns[name] = outcomes
    finally:
        plants.close()

    print_table(table, columns, lowered)
    print_totals(table, columns)
    print(f"\n{len(lowered.shown)} of {len(table)} attempts succeed where their walls are lowered; in"
          f" {lowered.alone} cases one wall of several denied alone.")  # fmt: skip
    for reason, count in collections.Counter(lowered.unshown.values()).items():
        print(f"  {count} cannot be shown to: {reason}")
    for gap in sorted(runner.native_gaps):
        print(f"This machine lacks the wall {gap}; what it alone denies is not counted.")
    for finding in findings:
        print(f"NOT AS IT MUST BE: {finding}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
