"""What the attempts look for: planted on the host, outside every cell, and told to the probe by its environment.

Everything here may be reached by any user of the machine, and belongs to the cell's own user: ordinary permissions
keep nobody out, so what a cell does not reach, its walls keep from it.
"""

import array
import ctypes
import os
import pwd
import secrets
import selectors
import shutil
import socket
import struct
import subprocess
import tempfile
import threading



def user_of_roots_cells():
    """Who a client that is root becomes in its cell: nobody, where nothing was installed."""
    try:
        return pwd.getpwnam("cloister-cell").pw_uid
    except KeyError:
        return 65534


USER = user_of_roots_cells()
INNER_ROOT = 200000  # who is root inside the stand-in, and nobody outside
NAMESPACES = ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup", "time"]
TREE_FILES = ["written", "truncated", "renamed", "removed", "linked", "moded", "owned", "timed", "attributed",
              "reopened", "moved", "raced"]  # fmt: skip

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

SYS_ADD_KEY, SYS_KEYCTL = {"x86_64": (248, 250), "aarch64": (217, 219)}[os.uname().machine]
KEYCTL_JOIN, KEYCTL_CHOWN, KEYCTL_SETPERM, KEYCTL_INVALIDATE = 1, 4, 5, 21
SESSION_KEYRING = -3


def checked(result, what):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def syscall(*arguments):
    # Each as a whole register: ctypes passes an int of Python as 32 bits.
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return checked(libc.syscall(*words), "system call")


class Planted:
    """All of it, until `close`. `environment` is what the probe is told; `user` is who the cell is of."""

    def __init__(self, build, user=USER, place="/tmp"):
        self.user = user
        self.mark = "mark-" + secrets.token_hex(12)
        self.name = "cloister-probe-" + secrets.token_hex(4)
        self.directory = tempfile.mkdtemp(prefix="cloister-probe.", dir=place)
        os.chmod(self.directory, 0o755)
        self.undo = [lambda: shutil.rmtree(self.directory)]
        self.programs = os.path.join(self.directory, "programs")
        self.private = os.path.join(self.directory, "private")
        self.tree = os.path.join(self.private, "tree")
        self.environment = {"PROBE_MARK": self.mark, "PROBE_TREE": self.tree, "PROBE_HOST_NAME": os.uname().nodename}
        try:
            self._programs(build)
            self._files()
            self._listeners()
            self._queues()
            self._keys()
            self.tell(**self.bystander(user))
            self._facts()
        except BaseException:
            self.close()
            raise

    def close(self):
        while self.undo:
            self.undo.pop()()

    def tell(self, **variables):
        for name, value in variables.items():
            self.environment["PROBE_" + name] = str(value)

    @property
    def probe(self):
        return os.path.join(self.programs, "cloister-probe")

    # Files

    def _programs(self, build):
        os.mkdir(self.programs)
        self.stand_in = os.path.join(build, "stand-in")
        for name in "cloister-probe", "bystander":
            shutil.copy(os.path.join(build, "cloister-probe"), os.path.join(self.programs, name))

    def write(self, path, owner=None):
        owner = self.user if owner is None else owner
        with open(path, "w") as file:
            file.write(self.mark + "\n")
        os.chown(path, owner, owner)

    def _files(self):
        os.mkdir(self.private)
        os.mkdir(os.path.join(self.private, "room"))
        os.chown(os.path.join(self.private, "room"), self.user, self.user)
        secret = os.path.join(self.private, "secret")
        self.write(secret)
        self.plant_tree()
        self.tell(SECRET=secret, ROOM=os.path.join(self.private, "room"))
        for variable, place in ("TEMPORARY", "/tmp"), ("DEV_SHM", "/dev/shm"):
            path = os.path.join(place, self.name)
            self.write(path)
            self.undo.append(lambda path=path: os.unlink(path))
            self.tell(**{variable: path})

    def plant_tree(self, owner=None):
        """Anew for each run that may change it."""
        owner = self.user if owner is None else owner
        shutil.rmtree(self.tree, ignore_errors=True)
        os.mkdir(self.tree)
        os.chown(self.tree, owner, owner)
        for name in TREE_FILES:
            self.write(os.path.join(self.tree, name), owner)
        os.symlink(os.path.join(self.private, "secret"), os.path.join(self.tree, "out"))
        network_raw = 1 << 13
        for suffix, owner, rights in (
            ("", 0, struct.pack("<5I", 0x02000001, network_raw, 0, 0, 0)),
            # The same for whoever is root in the stand-in.
            (".inside", INNER_ROOT, struct.pack("<6I", 0x03000001, network_raw, 0, 0, 0, INNER_ROOT)),
        ):
            set_uid, file_rights = (os.path.join(self.tree, name + suffix) for name in ("set-uid", "file-rights"))
            for path in set_uid, file_rights:
                shutil.copy(self.probe, path)
            os.chown(set_uid, owner, owner)
            os.chmod(set_uid, 0o4755)
            os.setxattr(file_rights, "security.capability", rights)
        self.tell(SET_UID=os.path.join(self.tree, "set-uid"), FILE_RIGHTS=os.path.join(self.tree, "file-rights"))

    @property
    def environment_of_stand_in(self):
        inside = {name: self.environment[name] + ".inside" for name in ("PROBE_SET_UID", "PROBE_FILE_RIGHTS")}
        return {**self.environment, **inside}

    # Listeners

    def _listeners(self):
        path = os.path.join(self.private, "socket")
        listeners = {
            "TCP": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "TCP6": (socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
            "UDP": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "ABSTRACT": (socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.name),
            "ABSTRACT_PACKET": (socket.AF_UNIX, socket.SOCK_SEQPACKET, "\0" + self.name + ".packet"),
            "ABSTRACT_DATAGRAM": (socket.AF_UNIX, socket.SOCK_DGRAM, "\0" + self.name + ".datagram"),
            "SOCKET": (socket.AF_UNIX, socket.SOCK_STREAM, path),
        }
        self.selector = selectors.DefaultSelector()
        for variable, (family, kind, address) in listeners.items():
            listener = socket.socket(family, kind)
            listener.bind(address)
            listener.setblocking(False)
            if kind != socket.SOCK_DGRAM:
                listener.listen(64)
            self.selector.register(listener, selectors.EVENT_READ)
            name = listener.getsockname()
            self.tell(**{variable: name[1] if isinstance(name, tuple) else os.fsdecode(name).lstrip("\0")})
        os.chmod(path, 0o666)
        self.secrets = os.open(self.private, os.O_RDONLY | os.O_DIRECTORY)
        self.over, waking = socket.socketpair()
        self.selector.register(waking, selectors.EVENT_READ)
        thread = threading.Thread(target=self._greet, args=[waking], daemon=True)
        thread.start()

        def end():
            self.over.close()
            thread.join()
            for key in list(self.selector.get_map().values()):
                key.fileobj.close()
            self.selector.close()
            os.close(self.secrets)

        self.undo.append(end)

    def _greet(self, waking):
        """Whoever comes gets the mark and, where descriptors can be passed, the secret's directory."""
        while True:
            for key, _ in self.selector.select():
                listener = key.fileobj
                if listener is waking:
                    return
                try:
                    self._greet_one(listener)
                except OSError:
                    pass  # gone again

    def _greet_one(self, listener):
        greeting = self.mark.encode()
        if listener.type == socket.SOCK_DGRAM:
            _, address = listener.recvfrom(64)
            if listener.family == socket.AF_INET:
                listener.sendto(greeting, address)
            return
        connection, _ = listener.accept()
        with connection:
            if listener.family == socket.AF_UNIX:
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [self.secrets]))
                connection.sendmsg([greeting], [rights])
            else:
                connection.sendall(greeting)

    # Objects with names of their own

    def _queues(self):
        key, create = int.from_bytes(os.urandom(3), "big") | 1, 0o1000
        mask = os.umask(0)
        try:
            memory = checked(libc.shmget(key, 4096, create | 0o666), "shmget")
            self.undo.append(lambda: libc.shmctl(memory, 0, None))
            semaphore = checked(libc.semget(key, 1, create | 0o666), "semget")
            self.undo.append(lambda: libc.semctl(semaphore, 0, 0))
            messages = checked(libc.msgget(key, create | 0o666), "msgget")
            self.undo.append(lambda: libc.msgctl(messages, 0, None))
            library = libc if hasattr(libc, "mq_open") else ctypes.CDLL("librt.so.1", use_errno=True)
            queue = ("/" + self.name).encode()
            descriptor = checked(library.mq_open(queue, os.O_CREAT | os.O_RDWR, 0o666, None), "mq_open")
            os.close(descriptor)
            self.undo.append(lambda: library.mq_unlink(queue))
        finally:
            os.umask(mask)
        libc.shmat.restype = ctypes.c_void_p
        address = libc.shmat(memory, None, 0)
        ctypes.memmove(address, self.mark.encode(), len(self.mark))
        libc.shmdt(ctypes.c_void_p(address))
        self.tell(IPC=key, QUEUE="/" + self.name)

    def _keys(self):
        """One that the cell's user may read by its number, and one in the session that celld will be part of."""
        syscall(SYS_KEYCTL, KEYCTL_JOIN, ctypes.c_char_p(self.name.encode()))

        def add(name):
            mark = self.mark.encode()
            key = syscall(SYS_ADD_KEY, ctypes.c_char_p(b"user"), ctypes.c_char_p(name.encode()),
                          ctypes.c_char_p(mark), len(mark), SESSION_KEYRING)  # fmt: skip
            self.undo.append(lambda: syscall(SYS_KEYCTL, KEYCTL_INVALIDATE, key))
            return key

        add(self.name + ".session")
        key = add(self.name + ".user")
        syscall(SYS_KEYCTL, KEYCTL_SETPERM, key, 0x3F3F003F)
        syscall(SYS_KEYCTL, KEYCTL_CHOWN, key, self.user, self.user)
        self.tell(KEY=key, KEY_NAME=self.name + ".user", SESSION_KEY=self.name + ".session")

    def bystander(self, user):
        """A process of the host that belongs to this user, and where in it the mark stands."""
        process = subprocess.Popen(
            [os.path.join(self.programs, "bystander"), "--bystander"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env=self.environment, user=user, group=user, extra_groups=[], cwd="/",
        )  # fmt: skip

        def end():
            process.stdin.close()
            process.stdout.close()
            process.wait(10)

        self.undo.append(end)
        pid, address, fd = process.stdout.readline().split()
        return {"PID": int(pid), "ADDRESS": int(address), "FD": int(fd)}

    def _facts(self):
        with open("/proc/uptime") as file:
            self.tell(UPTIME=int(float(file.read().split()[0])))
        for name in NAMESPACES:
            self.tell(**{"NS_" + name: os.stat(f"/proc/self/ns/{name}").st_ino})
        with open("/proc/partitions") as file:
            disks = [line.split()[3] for line in file.read().splitlines()[2:]]
        self.tell(DISK="/dev/" + (disks[0] if disks else "none"))
