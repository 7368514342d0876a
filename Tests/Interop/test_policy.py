"""Policy, consent and audit through the real daemon: what files say, a person answers and records prove."""

import contextlib
import hashlib
import json
import os
import random
import resource
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from daemon import Daemon
from governed import Client, Governed, rules

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a workspace's limit needs a celld that is root")


def test_what_is_shipped_gives_the_workspace_and_nothing_of_the_host(governed, tree):
    client = governed.connect()
    assert client.call("write_file", path="a", content="x")[1] is False
    text, is_error = client.call("read_file", path=str(tree / "file"))
    assert is_error and f"FILE_READ {tree}/file is not permitted: no rule speaks of it" in text
    assert client.call("run_command", argv=["cat", str(tree / "file")])[0].find("content") < 0


def test_a_tree_is_a_mount_for_programs_and_a_finer_pattern_holds_for_tools(governed, tree):
    governed.policy(rules(f"allow: FILE_READ, paths: ['{tree}/**']", f"deny: FILE_READ, paths: ['{tree}/*.txt']"))
    governed.eventually(lambda: governed.generation() == 2)
    client = governed.connect()
    assert client.call("read_file", path=str(tree / "file")) == ("content\n", False)
    assert client.call("run_command", argv=["cat", str(tree / "file")])[0].startswith("content\n")
    text, is_error = client.call("read_file", path=str(tree / "secret.txt"))
    assert is_error and "denied by the rule at" in text and "50-test.yaml:5" in text
    # What was written is allowed, what it leads to is not: the kernel's word decides.
    text, is_error = client.call("read_file", path=str(tree / "link"))
    assert is_error and f"To read {tree}/secret.txt is not permitted" in text
    assert "secret.txt" not in client.call("list_directory", path=str(tree))[0].replace("link -> secret.txt", "")
    assert "secret" not in client.call("search_files", pattern="secret", path=str(tree))[0].split("\n")[1:]
    assert client.call("copy_file", **{"from": str(tree / "link"), "to": "stolen"})[1] is True
    text, is_error = client.call("write_file", path=str(tree / "new"), content="x")
    assert is_error and "FILE_WRITE_GLOBAL" in text


def test_what_is_withdrawn_is_gone_from_a_cell_that_stands(governed, tree):
    governed.policy(rules(f"allow: FILE_READ, paths: ['{tree}/**']"))
    governed.eventually(lambda: governed.generation() == 2)
    client = governed.connect()
    sleeper = client.begin("tools/call", name="run_command", arguments={"command": f"cat {tree}/file; sleep 300"})
    governed.eventually(lambda: governed.json("cells")["cells"])
    assert [each["path"] for each in governed.json("cells")["cells"][0]["trees"]] == [str(tree)]
    governed.policy(rules("allow: FILE_READ, paths: [/nothing/**]"))
    text, is_error = client.result(sleeper)
    assert is_error and "ended" in text
    assert client.call("run_command", argv=["cat", str(tree / "file")])[0].find("content") < 0


def test_a_tool_that_is_denied_is_not_seen_and_comes_back(governed):
    client = governed.connect()
    assert "run_command" in client.tools()
    governed.policy(rules("deny: TOOL, tools: 'run_*'"))
    governed.eventually(lambda: "run_command" not in client.tools())
    assert client.notifications == ["notifications/tools/list_changed"]
    assert client.call("run_command", argv=["true"])[1] is True
    governed.policy(rules("allow: TOOL"))
    governed.eventually(lambda: "run_command" in client.tools())
    assert client.call("run_command", argv=["true"])[1] is False


def test_what_policy_says_of_audit_holds_with_the_next_record(governed):
    client = governed.connect()
    for _ in range(10):
        client.call("system_info")
    assert len(list((governed.directory / "audit").glob("*.jsonl"))) == 1
    before = governed.generation()
    governed.policy("audit: {rotate: 64KiB, keep: 2}")
    governed.eventually(lambda: governed.generation() > before)
    for _ in range(250):
        client.call("system_info")
    assert len(list((governed.directory / "audit").glob("*.jsonl"))) == 2
    assert governed.records()[-1]["tool"] == "system_info"
    governed.ctl("audit", "verify")


def test_a_call_with_wrong_arguments_is_decided_and_on_record(governed):
    client = governed.connect()
    assert client.call("read_file", path=5)[1] is True
    governed.policy(rules("deny: TOOL, tools: read_file"))
    governed.eventually(lambda: "read_file" not in client.tools())
    [failed] = governed.records()
    assert (failed["verdict"], failed["outcome"]) == ("allow", "failed") and ".yaml:" in failed["rule"]
    assert failed["needs"] == [{"permission": "TOOL", "object": "read_file"}]


def test_a_program_is_known_by_its_digest(governed):
    program = os.path.realpath("/proc/self/exe")
    digest = hashlib.sha256(Path(program).read_bytes()).hexdigest()

    def policy(digest):
        before = governed.generation()
        governed.policy(rules("deny: TOOL, tools: 'run_*'", more=f"    match: {{sha256: {digest}}}\n"))
        governed.eventually(lambda: governed.generation() > before)

    first = governed.connect()
    policy("0" * 64)
    assert "run_command" in first.tools()
    # A session that stands learns it with the policy that asks for it; a new one before it begins.
    policy(digest)
    governed.eventually(lambda: "run_command" not in first.tools())
    assert "run_command" not in governed.connect().tools()
    assert any(digest in line for line in governed.ctl("--json", "clients").splitlines())


def test_a_policy_that_is_wrong_changes_nothing_and_says_where(governed):
    client = governed.connect()
    governed.policy("clients: [{nam: x}]")
    governed.eventually(lambda: governed.json("status", status=None)["policy"]["faults"])
    status = governed.json("status", status=1)
    assert "50-test.yaml:1:12: nam is not known" in status["policy"]["faults"][0]
    assert status["policy"]["generation"] == 1
    assert client.call("write_file", path="a", content="x")[1] is False
    assert "nam is not known" in governed.ctl("policy", "check", status=1)
    [refused] = [each for each in governed.records("policy") if each["change"] == "refused"]
    assert "nam is not known" in refused["faults"][0]


def test_a_policy_that_is_wrong_from_the_start_denies_everything(executable, tmp_path):
    (tmp_path / "10-a.yaml").write_text("nonsense")
    governed = Governed(executable, "--policy", os.fspath(tmp_path))
    client = governed.connect()
    assert client.tools() == set()
    assert client.call("system_info")[1] is True
    assert "everything is denied" in governed.ctl("status", status=1)
    governed.stop()


QUESTION = "ask: FILE_WRITE_GLOBAL, paths: ['{tree}/**'], reason: look first"


def asking(governed, tree):
    governed.policy(rules(f"allow: FILE_READ, paths: ['{tree}/**']", QUESTION.format(tree=tree)))
    governed.eventually(lambda: governed.generation() == 2)
    return governed.connect(name="asker")


def test_a_person_allows_once_and_is_asked_again(governed, tree):
    client = asking(governed, tree)
    call = client.begin("tools/call", name="write_file", arguments={"path": f"{tree}/new", "content": "a\u202eb\u001b"})
    [question] = governed.eventually(lambda: governed.json("approvals")["approvals"])
    assert question["tool"] == "write_file" and question["reason"] == "look first"
    assert question["needs"] == [f"FILE_WRITE_GLOBAL {tree}/new"]
    assert not (tree / "new").exists()
    shown = governed.ctl("approvals")
    assert "\u202e" not in shown and "\u001b" not in shown and "says it is asker (nobody vouches" in shown
    assert "allowed once" in governed.ctl("approve", str(question["number"]))
    assert client.result(call)[1] is False
    assert (tree / "new").exists()
    # An answer to a question that no longer stands.
    assert "does not stand" in governed.ctl("approve", str(question["number"]), status=1)
    again = client.begin("tools/call", name="write_file", arguments={"path": f"{tree}/new2", "content": "x"})
    [question] = governed.eventually(lambda: governed.json("approvals")["approvals"])
    governed.ctl("deny", str(question["number"]))
    assert client.result(again) == ("A person denied it.", True)
    assert not (tree / "new2").exists()
    calls = governed.records()
    assert [(each["verdict"], each["outcome"], each["consent"]["how"]) for each in calls] == [
        ("ask", "succeeded", "queue"), ("ask", "denied", "queue")]
    assert [each["verdict"] for each in governed.records("consent")] == ["allow", "deny"]


def test_programs_ask_nobody_and_have_only_what_needs_no_question(governed, tree):
    """Or a program would write where a person has to be asked."""
    client = asking(governed, tree)
    shown, _ = client.call("run_command", command=f"cat {tree}/file; echo x > {tree}/file; echo x > {tree}/new")
    assert shown.startswith("content\n") and shown.count("Permission denied") == 2
    assert (tree / "file").read_text() == "content\n" and not (tree / "new").exists()
    governed.policy(rules(f"ask: FILE_READ, paths: ['{tree}/**']"))
    governed.eventually(lambda: governed.generation() == 3)
    assert "content" not in client.call("run_command", command=f"cat {tree}/file")[0]
    governed.policy(rules(f"allow: [FILE_READ, FILE_WRITE_GLOBAL], paths: ['{tree}/**']"))
    governed.eventually(lambda: governed.generation() == 4)
    other = governed.connect()
    other.call("run_command", command=f"echo x > {tree}/new")
    assert (tree / "new").exists()


def test_a_grant_is_for_the_same_arguments_until_it_is_revoked(governed, tree):
    client = asking(governed, tree)
    call = client.begin("tools/call", name="make_directory", arguments={"path": f"{tree}/d", "parents": True})
    [question] = governed.eventually(lambda: governed.json("approvals")["approvals"])
    governed.ctl("approve", "--always", str(question["number"]))
    assert client.result(call)[1] is False
    assert client.call("make_directory", path=f"{tree}/d", parents=True)[1] is False
    [grant] = governed.json("grants")["grants"]
    assert grant["needs"] == [f"FILE_WRITE_GLOBAL {tree}/d"]
    # It outlives the daemon's knowledge of it: it is written down.
    assert json.loads((governed.directory / "grants/grants.json").read_text())["grants"][0]["number"] == grant["number"]
    other = client.begin("tools/call", name="make_directory", arguments={"path": f"{tree}/e", "parents": True})
    [question] = governed.eventually(lambda: governed.json("approvals")["approvals"])
    governed.ctl("deny", str(question["number"]))
    assert client.result(other)[1] is True
    governed.ctl("grants", "revoke", str(grant["number"]))
    same = client.begin("tools/call", name="make_directory", arguments={"path": f"{tree}/d", "parents": True})
    assert governed.eventually(lambda: governed.json("approvals")["approvals"])
    client.say("notifications/cancelled", requestId=same)
    governed.eventually(lambda: not governed.json("approvals")["approvals"])
    assert [each["act"] for each in governed.records("admin")] == ["revoke"]
    assert [each["consent"]["how"] for each in governed.records() if each["outcome"] == "succeeded"] == ["queue", "grant"]


def test_after_the_answer_it_is_decided_again(governed, tree):
    client = asking(governed, tree)
    call = client.begin("tools/call", name="write_file", arguments={"path": f"{tree}/new", "content": "x"})
    [question] = governed.eventually(lambda: governed.json("approvals")["approvals"])
    governed.policy(rules(f"deny: FILE_WRITE_GLOBAL, paths: ['{tree}/**']"))
    governed.eventually(lambda: governed.generation() == 3)
    governed.ctl("approve", str(question["number"]))
    text, is_error = client.result(call)
    assert is_error and "is not permitted" in text
    assert not (tree / "new").exists()


def test_a_flood_of_questions_is_bounded(governed, tree):
    client = asking(governed, tree)
    calls = [
        client.begin("tools/call", name="write_file", arguments={"path": f"{tree}/{number}", "content": "x"})
        for number in range(20)
    ]
    assert "limit" in client.result(calls[-1])[0]
    governed.eventually(lambda: len(governed.json("approvals")["approvals"]) == 8)
    other = governed.connect(name="other")
    assert other.call("read_file", path=f"{tree}/file")[1] is False


def test_only_root_and_the_daemons_user_administer(governed):
    control = os.fspath(governed.directory / "control.sock")
    os.chmod(governed.directory, 0o755)
    assert os.stat(control).st_mode & 0o777 == 0o600
    os.chmod(control, 0o666)
    script = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect('{control}'); s.send(b'{{\"do\":\"status\"}}\\n'); print(s.recv(100))"
    run = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "python3", "-c", script], capture_output=True, text=True)
    assert "ok" not in run.stdout


def test_calls_beyond_the_rate_are_refused(governed):
    governed.policy(rules("allow: TOOL", more="    rates: {calls: 100/min, tools: {system_info: 2/min}}\n"))
    governed.eventually(lambda: governed.generation() == 2)
    client = governed.connect()
    outcomes = [client.call("system_info") for _ in range(3)]
    assert [is_error for _, is_error in outcomes] == [False, False, True]
    assert "more than 2 calls of system_info in 60 s" in outcomes[2][0]
    assert governed.connect().call("system_info")[1] is True
    assert client.call("write_file", path="a", content="x")[1] is False


def test_terms_of_policy_hold_for_programs(governed):
    more = "    environment: {COLOUR: green}\n    limits: {wall_clock: 1s, memory: 256MiB}\n    workspace: ephemeral\n    secret: [content]\n"
    governed.policy(rules("allow: CODE_EXECUTION, programs: sh", more=more))
    governed.eventually(lambda: governed.generation() == 2)
    client = governed.connect()
    assert client.call("run_command", command="echo $COLOUR", environment={"COLOUR": "red"})[0].startswith("green\n")
    assert "timed out after 1 s" in client.call("run_command", command="sleep 20", timeout_seconds=60)[0]
    client.call("write_file", path="kept", content="a secret")
    assert "a secret" not in json.dumps(governed.records()[-1])
    assert governed.json("cells")["cells"][0]["workspace"] == "ephemeral"


def test_every_call_is_on_record_and_the_chain_holds(governed):
    client = governed.connect(name="recorded")
    client.call("run_command", argv=["sh", "-c", "exit 3"])
    client.call("read_file", path="/root/x")
    call, denied = governed.records()
    assert (call["tool"], call["verdict"], call["outcome"], call["exit"]) == ("run_command", "allow", "succeeded", 3)
    assert call["client"]["uid"] == 0 and call["claims"]["name"] == "recorded"
    assert call["client"]["executable"] == os.path.realpath(f"/proc/{os.getpid()}/exe")
    assert call["resources"]["cpu_us"] > 0 and call["missing_walls"] == ["cgroup"]
    assert "10-default.yaml:" in call["rule"]
    assert (denied["verdict"], denied["outcome"]) == ("deny", "denied")
    assert {"permission": "FILE_READ", "object": "/root/x"} in denied["needs"]
    governed.ctl("audit", "verify")
    [file] = (governed.directory / "audit").glob("*.jsonl")
    text = file.read_text()
    file.write_text(text.replace('"exit":3', '"exit":0'))
    assert "verify" not in governed.ctl("audit", "verify", status=1)


def test_nothing_leaves_that_cannot_be_recorded(executable):
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(small_disk())
        governed = Governed(executable, "--audit", disk + "/audit")
        client = governed.connect()
        assert client.call("system_info")[1] is False
        with contextlib.suppress(OSError), open(disk + "/filler", "wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)
        outcomes = [client.call("system_info") for _ in range(40)]
        refused = [text for text, is_error in outcomes if is_error]
        assert refused and "cannot be recorded" in refused[0]
        assert outcomes[-1][1] is True
        assert governed.json("status", status=1)["audit"]["is_writable"] is False
        os.unlink(disk + "/filler")
        assert client.call("system_info")[1] is False
        governed.stop()


def test_a_limit_of_the_size_of_files_ends_no_daemon(governed):
    """The kernel's answer to a write beyond it is a signal, which ends whoever has not said otherwise."""
    client = governed.connect()
    assert client.call("system_info")[1] is False
    before = resource.prlimit(governed.daemon.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    text, is_error = client.call("system_info")
    assert is_error and "cannot be recorded" in text
    resource.prlimit(governed.daemon.process.pid, resource.RLIMIT_FSIZE, before)
    assert client.call("system_info")[1] is False
    governed.ctl("audit", "verify")


@contextlib.contextmanager
def small_disk():
    """A disk of 256 KiB, seen by this process and its children alone."""
    place = tempfile.mkdtemp(prefix="cloister-disk-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)
        os.rmdir(place)


def test_no_reply_was_sent_whose_record_is_lost(executable, tmp_path):
    """Killed at any moment, 200 times, with callers that wait for answers: every answer that a caller saw is on record."""
    state, seen = tmp_path / "audit", []
    for _ in range(200):
        daemon = Daemon(executable("cloisterd"), "--audit", os.fspath(state))
        client = Client(daemon)
        killer = threading.Timer(random.uniform(0.001, 0.02), daemon.process.kill)
        killer.start()
        with contextlib.suppress(OSError, ValueError):
            while True:
                mark = f"mark-{len(seen)}-{random.random()}"
                _, is_error = client.call("read_file", path=f"/nowhere/{mark}")
                assert is_error
                seen.append(mark)
        killer.join()
        daemon.process.wait()
        with contextlib.suppress(OSError, ValueError):
            client.close()
        daemon.remove()
    assert len(seen) > 200
    recorded = "".join(file.read_text() for file in state.glob("*.jsonl"))
    assert [mark for mark in seen if mark not in recorded] == []
    verified = subprocess.run(
        [executable("cloisterctl"), "--root", tmp_path, "audit", "verify"], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stdout + verified.stderr
