"""Clients of other users: processes that connect and stay."""

import contextlib
import os
import signal
import socket
import time


@contextlib.contextmanager
def client(uid, gid=None, groups=()):
    """Our end of a connection, at whose other end is a process of this user; and that process."""
    name = f"\0cells.{os.getpid()}.{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                os.setgroups(list(groups))
                os.setresgid(*[uid if gid is None else gid] * 3)
                os.setresuid(uid, uid, uid)
                with socket.socket(socket.AF_UNIX) as far:
                    far.connect(name)
                    signal.pause()
            os._exit(0)
        try:
            listener.settimeout(10)
            accepted, _ = listener.accept()
            with accepted:
                yield accepted, pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
