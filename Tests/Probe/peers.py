"""The same attempts under bwrap and firejail, each with the strict options that its own manual recommends, started
by an ordinary user as such a user would. Nothing is asserted of them: they are there to compare with.
"""

import os
import pwd
import subprocess
import tempfile

import attempts


def ordinary_user():
    """Neither root nor nobody, and with a home of its own, without which firejail refuses to start."""
    for entry in pwd.getpwall():
        home = entry.pw_dir
        if entry.pw_uid not in (0, 65534) and os.path.isdir(home) and os.stat(home).st_uid == entry.pw_uid:
            return entry
    return None


def bwrap(plants, scratch, _):
    words = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    words += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for name in "bin", "sbin", "lib", "lib64":
        words += ["--symlink", "usr/" + name, "/" + name]
    for path in plants.programs, plants.tree:
        words += ["--ro-bind", path, path]
    return [*words, "--bind", scratch, "/workspace", "--chdir", "/workspace", "--"], "/workspace"


def firejail(plants, scratch, user):
    words = ["firejail", "--quiet", "--noprofile", f"--private={scratch}", "--private-dev", "--net=none"]
    words += ["--seccomp", "--caps.drop=all", "--nonewprivs", "--noroot", "--ipc-namespace", "--restrict-namespaces"]
    # Of /tmp nothing but these is left.
    for path in plants.programs, plants.tree:
        words += [f"--whitelist={path}", f"--read-only={path}"]
    return [*words, "--"], user.pw_dir


PEERS = {"bwrap": bwrap, "firejail": firejail}


def run(name, runner, table):
    """The outcomes by attempt, or a sentence that says why there are none."""
    plants, user = runner.plants, ordinary_user()
    if user is None:
        return "no user of this machine has a home of their own"
    plants.plant_tree(owner=user.pw_uid)
    bystander = {"PROBE_" + word: str(value) for word, value in plants.bystander(user.pw_uid).items()}
    with tempfile.TemporaryDirectory(prefix="peer.") as scratch:
        os.chown(scratch, user.pw_uid, user.pw_gid)
        command, inside = PEERS[name](plants, scratch, user)
        environment = {**runner.environment, **bystander, "PROBE_SCRATCH": inside}
        environment |= {"PATH": "/usr/bin:/bin", "HOME": user.pw_dir}
        outcomes = {}
        for group in dict.fromkeys(each.group for each in table):
            try:
                done = subprocess.run(
                    [*command, plants.probe, group], env=environment, cwd="/", stdin=subprocess.DEVNULL,
                    capture_output=True, text=True, timeout=60, user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                )  # fmt: skip
            except (OSError, subprocess.TimeoutExpired) as error:
                return str(error)
            outcomes |= attempts.parse(done.stdout)
            if not done.stdout:
                return f"it did not start: {done.stderr.strip().splitlines()[-1:]}"
        return outcomes
