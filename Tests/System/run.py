"""`make vm-test`: the package on a machine with a kernel of its own and all of cgroup v2. What `make system-test` runs
must hold here with every wall, and the limits of cells besides.

    run.py BUILD_DIRECTORY [PYTEST_ARGUMENTS]

What boots are three disks: a Debian that is made once (image.sh), a layer with packages and tests that is made each
time (layer.py), and an empty one that comes back with the results. The emulator interprets (TCG), because the machine
has to come up wherever these tests run; inside, programs take ten to twenty times as long.

Ends with 1 if a test failed, if the machine did not come up or did not end in time, or if it came back with fewer
tests than it had collected.

    KEEP=1      the machine's console is this terminal, and it stays when the tests are over
    PATIENCE=N  after how many seconds a machine that hangs is ended (default 1800)

.build/vm/console.log has all that it said, .build/vm/results/journal its journal.
"""

import contextlib
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
import xml.etree.ElementTree as xml

import layer
from layer import HERE

KEEP = os.environ.get("KEEP", "") not in ("", "0")
PATIENCE = float(os.environ.get("PATIENCE", 1800))
RESULTS_BYTES = 64 << 20


def base(directory):
    """The image without anything of ours, made if it is not there as image.sh would make it today."""
    key = hashlib.sha256()
    for name in "image.sh", "root.sh", "units/system-test.service":
        with open(os.path.join(HERE, name), "rb") as file:
            key.update(file.read())
    place = os.path.join(directory, f"base-{key.hexdigest()[:12]}")
    if not os.path.exists(f"{place}/root.ext4"):
        print("vm-test: making the machine's base, once", flush=True)
        for name in os.listdir(directory):
            if name.startswith("base-"):
                shutil.rmtree(os.path.join(directory, name))
        subprocess.run([os.path.join(HERE, "image.sh"), place], check=True)
    return place


def make_file_system(path, tree, megabytes):
    if os.path.exists(path):
        os.remove(path)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, path, f"{megabytes}M"], check=True, stdout=subprocess.DEVNULL)


def disk_of_layer(build, directory, arguments):
    tree = os.path.join(directory, "layer")
    layer.make(build, tree, arguments, ["bookworm"])
    path = os.path.join(directory, "layer.ext4")
    make_file_system(path, tree, 192)
    shutil.rmtree(tree)
    return path


def boot(base, disk, results, console):
    """Runs the machine to its end. True if it came there by itself."""
    drives = []
    for path, options in (f"{base}/root.ext4", "snapshot=on"), (disk, "readonly=on"), (results, ""):
        drives += ["-drive", f"if=virtio,format=raw,file={path}" + ("," + options if options else "")]
    # What the emulator would have to do for wide registers, and for the sake of a real processor's flaws, takes a quarter
    # of its time.
    words = "root=/dev/vda rw console=ttyS0 mitigations=off quiet panic=-1 systemd.show_status=false"
    serial = ["-serial", "mon:stdio"] if KEEP else ["-serial", f"file:{console}", "-monitor", "none"]
    command = [
        "qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "Nehalem", "-smp", "2", "-m", "4G", "-display", "none",
        "-no-reboot", "-nic", "none", "-kernel", f"{base}/vmlinuz", "-initrd", f"{base}/initrd",
        "-append", words + (" cloister.keep" if KEEP else ""), *drives, *serial,
    ]  # fmt: skip
    machine = subprocess.Popen(command, stdin=None if KEEP else subprocess.DEVNULL)
    try:
        machine.wait(None if KEEP else PATIENCE)
        return machine.returncode == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if machine.poll() is None:
            machine.kill()
            machine.wait()


def verdict(case):
    for name in "failure", "error", "skipped":
        if (found := case.find(name)) is not None:
            return name, found.get("message", "") + "\n" + (found.text or "")
    return "passed", ""


def brought_back(directory):
    """The outcomes of all tests, and how many of those that were found have none."""
    outcomes, missing = [], 0
    for name in sorted(os.listdir(directory)):
        if not name.endswith(".collected"):
            continue
        with open(f"{directory}/{name}") as file:
            found = len(file.readlines())
        cases = list(xml.parse(f"{directory}/{name.removesuffix('collected')}xml").iter("testcase"))
        # A test that fails and whose fixture fails is there twice.
        names = {(case.get("classname"), case.get("name")) for case in cases}
        missing += found - len(names)
        outcomes += [
            (f"{case.get('classname')} {case.get('name')}", *verdict(case), float(case.get("time"))) for case in cases
        ]
    return outcomes, missing


def _print_times(directory):
    """What test_times.py has measured, in milliseconds."""
    with contextlib.suppress(OSError):
        with open(f"{directory}/times.json") as file:
            for name, values in json.load(file).items():
                median = statistics.median(values) if values else 0
                print(f"{name}: median {median / 1e6:.1f} ms of {len(values)}, longest {max(values, default=0) / 1e6:.1f} ms")


def report(directory):
    """Prints what came back. True if that is all that should, and all of it passed."""
    try:
        outcomes, missing = brought_back(directory)
    except (OSError, xml.ParseError) as error:
        print(f"the machine brought no results back ({error})")
        return False
    for name, outcome, text, _ in outcomes:
        if outcome != "passed":
            print(f"--- {name}: {outcome}\n{text}")
    print(f"{'test':108}{'verdict':10}{'seconds':>8}")
    for name, outcome, _, seconds in outcomes:
        print(f"{name[:106]:108}{outcome:10}{seconds:8.1f}")
    _print_times(directory)
    failed = sum(outcome != "passed" for _, outcome, _, _ in outcomes)
    print(f"{len(outcomes)} tests, {failed} not passed, {missing} missing")
    return bool(outcomes) and failed == 0 and missing == 0


def conclude(results, ended, advice):
    """The status to end with, and what there is to say about it."""
    passed = report(results)
    if not ended:
        print(f"the machine did not end by itself within {PATIENCE:.0f} s")
    if ended and passed:
        return 0
    print(advice)
    return 1


def main(build, arguments):
    directory = os.path.join(build, "vm")
    os.makedirs(directory, exist_ok=True)
    begun = time.monotonic()
    machine = base(directory)
    disk = disk_of_layer(build, directory, arguments)
    results = os.path.join(directory, "results.tar")
    with open(results, "wb") as file:
        file.truncate(RESULTS_BYTES)
    made = time.monotonic()
    console = os.path.join(directory, "console.log")
    ended = boot(machine, disk, results, console)
    unpacked = os.path.join(directory, "results")
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        with tarfile.open(results) as archive:
            archive.extractall(unpacked)
    except tarfile.ReadError:
        os.makedirs(unpacked, exist_ok=True)
    print(f"disks {made - begun:.0f} s, machine {time.monotonic() - made:.0f} s")
    return conclude(unpacked, ended, f"Look at {console} and {unpacked}/journal, or inside: make vm-test KEEP=1")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
