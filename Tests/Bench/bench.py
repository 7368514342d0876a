"""`make bench`: Cloister against named peers, as ratios taken in the same run.

Absolute times belong to one machine and one minute, so wherever a peer exists the two parties take
turns (A B A B …), every pair gives one ratio, and the median of the ratios is compared with the bar.
One C client (client.c) measures every party. It keeps to one CPU and the servers keep to another,
because the scheduler's choice alone can double a round trip; --free-placement leaves the choice to it.

A bar that is missed is reported and is no failure: the status is 1 only when something did not work.

    CLOISTER_BIN  directory with cloisterd, cloister-bridge, forward-bench and policy-bench   (.build/release)
    BUILD_DIR     where the C programs, bench.log and bench.json go             (.build)

Run it with a Python that has the peer's package: mcp, the version named by PEER below.
A new row is one more function in the ROWS of a rows_*.py that returns a Row.
"""

import argparse
import dataclasses
import datetime
import json
import os
import platform
import sys
from pathlib import Path

import rows_cells
import rows_policy
import rows_protocol
import rows_service
from harness import HERE, PEER, Bench, Broken, Row

ROWS = rows_protocol.ROWS | rows_cells.ROWS | rows_policy.ROWS | rows_service.ROWS


# The report


def machine(cpus: tuple[int, int] | None) -> dict:
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": model,
        "kernel": platform.release(),
        "load_at_start": os.getloadavg(),
        "python": platform.python_version(),
        "placement": f"client on CPU {cpus[0]}, servers on CPU {cpus[1]}" if cpus else "free",
    }


def table(rows: list[Row]) -> str:
    cells = [["work", "bar", "measured", "peer", "ours", "verdict"]]
    cells += [[row.work, row.bar, row.measured, row.peer, row.ours, row.verdict] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def main() -> int:
    parser = argparse.ArgumentParser(description="Cloister against named peers, as ratios.")
    parser.add_argument("--only", metavar="ROW", choices=ROWS, help="one row, bench.json left as it is: "
                        + ", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=5, help="turns that each party takes (default 5)")
    parser.add_argument("--free-placement", action="store_true", help="let the scheduler place client and servers")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: at least 1")

    build = Path(os.environ.get("BUILD_DIR") or HERE.parent.parent / ".build").resolve()
    binaries = Path(os.environ.get("CLOISTER_BIN") or build / "release").resolve()
    available = sorted(os.sched_getaffinity(0))
    cpus = (available[0], available[1]) if len(available) > 1 and not options.free_placement else None
    facts = machine(cpus)
    report = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
              "rounds": options.rounds, "peer": f"mcp {PEER}", "machine": facts, "rows": {}, "broken": {}}

    rows: list[Row] = []
    try:
        bench = Bench(options.rounds, build, binaries, cpus)
        for name in [options.only] if options.only else ROWS:
            print(f"bench: {name} …", file=sys.stderr, flush=True)
            try:
                row = ROWS[name](bench)
            except (Broken, OSError, LookupError, ValueError) as broken:  # the other rows still count
                report["broken"][name] = str(broken) if isinstance(broken, Broken) else repr(broken)
                continue
            rows.append(row)
            report["rows"][name] = dataclasses.asdict(row) | {"verdict": row.verdict}
    except Broken as broken:
        report["broken"]["building"] = str(broken)

    print(f"{facts['cores']} cores, {facts['cpu']}, kernel {facts['kernel']}; {facts['placement']}; "
          f"median of {options.rounds} rounds (min–max)\n")
    if rows:
        print(table(rows))
    for name, row in zip(report["rows"], rows):
        if row.note:
            print(f"note on {name}: {row.note}")
    for name, why in report["broken"].items():
        print(f"broken: {name}: {why}")
    if not options.only:
        (build / "bench.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    if report["broken"]:
        print(f"what the programs said is in {build / 'bench.log'}")
    return 1 if report["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
