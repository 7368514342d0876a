"""The same attempts under bwrap and firejail, each with the strict options that its own manual recommends, started
by an ordinary user as such a user would. Nothing is asserted of them: they are there to compare with.
"""

import os
import pwd
import subprocess
import tempfile

import attempts


def ordinary_user():
    """Neither root nor nobody, with a home and a shell: without them firejail refuses to start."""
    for entry in pwd.getpwall():
        home, shell = entry.pw_dir, os.path.basename(entry.pw_shell)
        if entry.pw_uid in (0, 65534) or shell in ("nologin", "false", "sync"):
            continue
        if os.path.isdir(home) and os.stat(home).st_uid == entry.pw_uid:
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


# firejail takes no more than 128, its own among them.
MOST_WORDS = 80
PEERS = {"bwrap": bwrap, "firejail": firejail}


def run(name, runner, table):
    """The outcomes by attempt, or a sentence that says why there are none."""
    plants, user = runner.plants, ordinary_user()
    if user is None:
        return "no ordinary user of this machine has a home and a shell"
    plants.plant_tree(owner=user.pw_uid)
    bystander = {"PROBE_" + word: str(value) for word, value in plants.bystander(user.pw_uid).items()}
    with tempfile.TemporaryDirectory(prefix="peer.") as scratch:
        os.chown(scratch, user.pw_uid, user.pw_gid)
        command, inside = PEERS[name](plants, scratch, user)
        environment = {**runner.environment, **bystander, "PROBE_SCRATCH": inside}
        environment |= {"PATH": "/usr/bin:/bin", "HOME": user.pw_dir}
        return in_turn(command, [each.name for each in table], plants.probe, environment, user)


def in_turn(command, names, probe, environment, user):
    """Goes on after an attempt with which the whole sandbox ended."""
    outcomes = {}
    while batch := names[:MOST_WORDS]:
        try:
            done = subprocess.run(
                [*command, probe, *batch], env=environment, cwd="/", stdin=subprocess.DEVNULL, text=True,
                capture_output=True, timeout=90, user=user.pw_uid, group=user.pw_gid, extra_groups=[],
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        made = attempts.parse(done.stdout)
        if not made.keys() & set(batch) and not outcomes:
            return f"it did not start ({done.returncode}): {(done.stdout + done.stderr).strip()[-200:]}"
        outcomes |= made
        unsaid = [name for name in batch if name not in outcomes]
        if unsaid:
            outcomes[unsaid[0]] = attempts.Outcome("error", f"it ended with {done.returncode}")
        names = [name for name in names if name not in outcomes]
    return outcomes
