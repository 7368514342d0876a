"""What can be seen from outside of a celld and its cells: processes, groups, mounts, loop devices.

Everything is looked for by what is this celld's own, so that others may work on the same machine meanwhile.
"""

import errno
import glob
import os
import time


def eventually(check, within=2.0):
    """True once the check is; the kernel takes its time to put things away."""
    end = time.monotonic() + within
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def host_pid(pidfd):
    with open(f"/proc/self/fdinfo/{pidfd}") as info:
        return next(int(line.split()[1]) for line in info if line.startswith("Pid:"))


def read(path):
    """Empty when it is not there any more; a group that goes while it is read is no device."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ESRCH, errno.ENODEV):
            raise
        return b""


def status(pid, field):
    """A line of /proc/PID/status, without its name."""
    for line in read(f"/proc/{pid}/status").decode().splitlines():
        if line.startswith(field + ":"):
            return line.split(":", 1)[1].strip()
    return None


def has_ended(pid):
    return (status(pid, "State") or "X")[0] in "XZ"


def kilobytes(pid, field):
    return int(status(pid, field).split()[0])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def children(pid):
    return [int(word) for word in read(f"/proc/{pid}/task/{pid}/children").split()]


def namespace(pid, name="pid"):
    try:
        return os.readlink(f"/proc/{pid}/ns/{name}")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def processes_in(pid_namespace):
    """Everybody whose processes are numbered by this namespace, but those who only wait to be reaped."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [pid for pid in pids if namespace(pid) == pid_namespace and not has_ended(pid)]


def unified_groups():
    """Where the hierarchy of cgroup v2 is mounted."""
    return next(words[1] for words in map(str.split, read("/proc/mounts").decode().splitlines()) if words[2] == "cgroup2")


def group_of(state):
    """The control group of a standalone celld with this directory."""
    own = next(line[3:] for line in read("/proc/self/cgroup").decode().splitlines() if line.startswith("0::"))
    mount = unified_groups()
    number = 14_695_981_039_346_656_037
    for byte in state.encode():
        number = ((number ^ byte) * 1_099_511_628_211) & (2**64 - 1)
    return f"{mount}{own.rstrip('/')}/cloister-{number:x}"


def loop_devices(state):
    found = []
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        if read(path).decode().startswith(state + "/"):
            found.append(path.split("/")[3])
    return found


def mounts():
    return set(read("/proc/self/mountinfo").decode().splitlines())


class Traces:
    """What one celld has on this machine, and whether it is gone."""

    def __init__(self, celld):
        self.celld, self.state = celld, celld.state
        self.group = group_of(self.state)
        self.mounts = mounts()
        self.namespaces = set()

    def watch(self, cell):
        """Remembers a cell, whose processes nobody could name once its first one is gone."""
        self.namespaces.add(namespace(host_pid(cell.pidfd)))
        return cell

    def groups(self):
        paths = glob.glob(self.group + "/cell-*") + glob.glob(self.group + "/command-*")
        return sorted(os.path.basename(path) for path in paths)

    def in_groups(self):
        """The processes of commands, which have no namespace to be found by."""
        files = glob.glob(self.group + "/command-*/*/cgroup.procs")
        return [int(line) for path in files for line in read(path).split()]

    def of_cells(self):
        """Whatever there is of cells."""
        left = [f"group {name}" for name in self.groups()]
        left += [f"mount {line}" for line in mounts() - self.mounts]
        left += [f"process {pid}" for pid in self.in_groups()]
        left += [f"process {pid}" for each in self.namespaces for pid in processes_in(each)]
        if self.celld.process.poll() is None:
            left += [f"process {pid}" for pid in children(self.celld.process.pid)]
        return left

    def assert_no_cells(self, within=2.0):
        assert eventually(lambda: not self.of_cells(), within), self.of_cells()

    def assert_gone(self, within=2.0):
        """And of celld itself."""

        def left():
            found = self.of_cells() + [f"loop device {name}" for name in loop_devices(self.state)]
            return found + ([f"group {self.group}"] if os.path.exists(self.group) else [])

        assert eventually(lambda: not left(), within), left()
