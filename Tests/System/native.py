"""`make system-test`: the package, installed, used, upgraded and purged on a Debian with a real systemd.

    native.py BUILD_DIRECTORY [PYTEST_ARGUMENTS]

It is done twice: on the Debian that the package is built on, and on the next one, whose systemd, bus and polkit can what
the older ones cannot yet (their processes have descriptors).

The machine is a container that boots its own systemd, journald, dbus and polkit natively (systemd-nspawn), from a root
file system that is unpacked for each run; it has no network, and the host's processes, users and control groups are not
its own. It has no controllers of control groups: cells lack that wall there, by a drop-in. The same suite runs with all
walls in `make vm-test`.

Ends with 1 if a test failed, if a machine did not come up or did not end in time, or if it came back with fewer
tests than it had collected.

    DEBIAN=NAME  only this one
    PATIENCE=N   after how many seconds a machine that hangs is ended (default 1800)

.build/system/NAME/console.log has what a machine said, .build/system/NAME/results what came back: output and journal.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time

import layer
from layer import HERE
from run import PATIENCE, conclude

# What cells need and the container's filter, which is older than they are, would refuse; bpf is for the units' own
# limits of devices and addresses.
CALLS = "@keyring bpf landlock_create_ruleset landlock_add_rule landlock_restrict_self"


def base(directory, debian):
    """The archive of the root file system, made if it is not there as root.sh would make it today."""
    with open(os.path.join(HERE, "root.sh"), "rb") as file:
        key = hashlib.sha256(file.read()).hexdigest()[:12]
    archive = os.path.join(directory, f"root-{key}")
    if not os.path.exists(archive):
        print(f"system-test: making the root file system of {debian}, once", flush=True)
        for name in os.listdir(directory):
            if name.startswith("root-"):
                os.remove(os.path.join(directory, name))
        subprocess.run([os.path.join(HERE, "root.sh"), debian, archive], check=True)
    return archive


def prepare(root, archive):
    """A machine that has not been booted yet, and that runs the suite when it is."""
    os.makedirs(root)
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", root, "--numeric-owner"], check=True)
    units = f"{root}/etc/systemd/system"
    shutil.copy(os.path.join(HERE, "units/acceptance.service"), units)
    os.makedirs(f"{units}/multi-user.target.wants", exist_ok=True)
    os.symlink("../acceptance.service", f"{units}/multi-user.target.wants/acceptance.service")


def boot(root, tree, results, console):
    """Runs the machine to its end. True if it came there by itself."""
    command = [
        "systemd-nspawn", "--quiet", "--boot", f"--directory={root}", "--private-network", "--register=no", "--keep-unit",
        f"--machine=cloister-test-{os.getpid()}", "--console=pipe", f"--system-call-filter={CALLS}",
        f"--bind-ro={tree}:/run/layer", f"--bind={results}:/run/results",
    ]  # fmt: skip
    environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    with open(console, "wb") as log:
        machine = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
        try:
            machine.wait(PATIENCE)
            return machine.returncode == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            # Its first process goes with it, and everything inside with that.
            if machine.poll() is None:
                machine.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    machine.wait(20)
            if machine.poll() is None:
                machine.kill()
                machine.wait()


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def test(debian, directory, tree):
    """Boots that Debian with the layer; the status to end with."""
    os.makedirs(directory, exist_ok=True)
    begun = time.monotonic()
    archive = base(directory, debian)
    root, results = os.path.join(directory, "root"), fresh(os.path.join(directory, "results"))
    console = os.path.join(directory, "console.log")
    shutil.rmtree(root, ignore_errors=True)
    try:
        prepare(root, archive)
        made = time.monotonic()
        ended = boot(root, tree, results, console)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print(f"{debian}: root {made - begun:.0f} s, machine {time.monotonic() - made:.0f} s")
    return conclude(results, ended, f"Look at {console}, {results}/output and {results}/journal")


def main(build, arguments):
    directory = os.path.join(build, "system")
    tree = os.path.join(directory, "layer")
    chosen = os.environ.get("DEBIAN")
    debians = [chosen] if chosen else list(layer.DEBIANS)
    if not layer.DEBIANS.keys() >= set(debians):
        sys.exit(f"system-test: DEBIAN is one of {', '.join(layer.DEBIANS)}, and not {chosen}")
    try:
        layer.make(build, tree, arguments, debians, lacking="cgroup")
        return max([test(debian, os.path.join(directory, debian), tree) for debian in debians])
    finally:
        shutil.rmtree(tree, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
