"""cloisterctl connect: applications' files with a home of their own, and what an application would start then."""

import json
import os
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

from bus import NOBODY
from clients import ERAS, sdk_client, structured

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="files of other users need root")
SERVER = {"mcpServers": {"other": {"command": "npx", "args": []}}}


class Home:
    def __init__(self, path: Path, executable):
        self.path = path
        self.program = executable("cloisterctl")
        self.bridge = str(executable("cloister-bridge").resolve())

    def ctl(self, *words, status=0, user=None, **variables):
        environment = {k: v for k, v in os.environ.items() if k not in ("XDG_CONFIG_HOME", "CODEX_HOME", "SUDO_USER")}
        run = subprocess.run(
            [self.program, *map(str, words)], capture_output=True, text=True, timeout=30, user=user,
            extra_groups=None if user is None else [], env=environment | {"HOME": str(self.path)} | variables,
        )  # fmt: skip
        assert run.returncode == status, run.stdout + run.stderr
        return run.stdout + run.stderr

    def put(self, path, content, mode=0o600):
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(mode)
        return file

    def files(self):
        """Every file below, but for directories."""
        return {str(each.relative_to(self.path)): each.read_bytes() for each in self.path.rglob("*") if each.is_file()}


@pytest.fixture
def home(tmp_path, executable):
    return Home(tmp_path, executable)


def test_the_list_says_what_is_there_and_what_is_connected(home):
    home.put(".cursor/mcp.json", json.dumps(SERVER))
    home.put(".codex/config.toml", "x = \n")
    home.put(".kiro/settings/mcp.json", '{"mcpServers": {"cloister": {"command": "npx"}}}')
    home.ctl("connect", "zed")
    before = home.files()
    answer = json.loads(home.ctl("--json", "connect"))["applications"]
    known = {each["name"]: each for each in answer}
    assert known["cursor"]["found"] and known["cursor"]["state"] == "not connected"
    assert known["zed"]["state"] == "connected" and not known["windsurf"]["found"]
    assert known["codex"]["problem"] == "line 1, column 5: here should be a value"
    assert known["kiro"]["state"] == "cloister is npx" and known["jetbrains"]["state"] == "by hand"
    assert known["zed"]["file"] == str(home.path / ".config/zed/settings.json")
    assert {line.split()[0] for line in home.ctl("connect", "--list").splitlines()[1:]} == set(known)
    assert home.files() == before


def test_every_application_is_connected_once_and_undone_without_a_trace(home):
    names = [each["name"] for each in json.loads(home.ctl("--json", "connect"))["applications"]]
    names.remove("jetbrains")
    said = home.ctl("connect", *names)
    assert all(f"{name}: connected, in " in said for name in names)
    assert all(f"  it starts {home.bridge} --client {name}\n" in said for name in names)
    files = home.files()
    assert len(files) == len(names) and not any("backup" in each for each in files)
    assert {stat.S_IMODE((home.path / each).stat().st_mode) for each in files} == {0o600}
    for path, content in files.items():
        if path.endswith("json"):
            json.loads(content)
        elif path.endswith("toml"):
            entry = tomllib.loads(content.decode())["mcp_servers"]["cloister"]
            assert entry == {"command": home.bridge, "args": ["--client", "codex"]}
    inodes = {each: (home.path / each).stat().st_ino for each in files}
    said = home.ctl("connect", *names)
    assert all(f"{name}: already connected" in said for name in names)
    assert home.files() == files and inodes == {each: (home.path / each).stat().st_ino for each in files}
    home.ctl("connect", "--undo", *names)
    assert home.files() == {}
    assert "zed: not connected" in home.ctl("connect", "--undo", "zed")


def test_all_means_those_that_are_found(home):
    assert "none of the applications" in home.ctl("connect", "--all", PATH="/nonexistent", status=1)
    home.put(".cursor/mcp.json", json.dumps(SERVER))
    (home.path / ".codex").mkdir()
    said = home.ctl("connect", "--all", PATH="/nonexistent")
    assert "cursor: connected" in said and "codex: connected" in said
    assert set(home.files()) == {".cursor/mcp.json", ".cursor/mcp.json.cloister-backup", ".codex/config.toml"}


def test_a_dry_run_shows_a_diff_and_writes_nothing(home):
    file = home.put(".claude.json", '{\n  "numStartups": 3\n}\n')
    before = home.files()
    said = home.ctl("connect", "--dry-run", "claude-code", "cursor")
    assert "claude-code: would be connected" in said and f"+++ b/{str(file).lstrip('/')}\n" in said
    assert '\n-  "numStartups": 3\n+  "numStartups": 3,\n+  "mcpServers": {\n' in said
    assert "--- /dev/null\n" in said and home.files() == before
    home.ctl("connect", "claude-code")
    before = home.files()
    assert "would be disconnected" in home.ctl("connect", "--undo", "--dry-run", "claude-code")
    assert home.files() == before


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"\xef\xbb\xbf{}", b'{"mcpServers":{}}', json.dumps(SERVER, indent=2).encode(),
        b'// mine\r\n{\r\n\t"a": [1, 2,],\r\n}\r\n', b'{\n  "mcpServers": {\n    "x": {} // last\n  }\n}',
    ],
)  # fmt: skip
def test_an_undo_gives_the_earlier_bytes_back(home, content):
    file = home.put(".cursor/mcp.json", content, mode=0o640)
    said = home.ctl("connect", "cursor")
    backup = Path(f"{file}.cloister-backup")
    assert str(backup) in said and backup.read_bytes() == content
    assert stat.S_IMODE(backup.stat().st_mode) == stat.S_IMODE(file.stat().st_mode) == 0o640
    assert "is again what it was before" in home.ctl("connect", "--undo", "cursor")
    assert home.files() == {".cursor/mcp.json": content} and stat.S_IMODE(file.stat().st_mode) == 0o640


def test_an_undo_of_a_file_that_was_changed_since_takes_only_our_entry(home):
    file = home.put(".cursor/mcp.json", json.dumps(SERVER, indent=2))
    home.ctl("connect", "cursor")
    file.write_text(file.read_text().replace('"npx"', '"uvx"'))
    assert "cursor: disconnected, in" in home.ctl("connect", "--undo", "cursor")
    assert file.read_text() == json.dumps(SERVER, indent=2).replace("npx", "uvx")
    assert Path(f"{file}.cloister-backup").read_text() == json.dumps(SERVER, indent=2)


def test_a_bridge_that_has_moved_is_followed_and_what_a_person_added_stays(home):
    file = home.put(".cursor/mcp.json", json.dumps(SERVER, indent=4))
    home.ctl("connect", "cursor", "--bridge", "/old/bin/cloister-bridge", "--client", "me")
    assert "is not a program" in home.ctl("connect", "cursor", "--bridge", "/old/bin/cloister-bridge", "--client", "me")
    file.write_text(file.read_text().replace('["--client", "me"]', '["--client", "me"],\n            "disabled": true'))
    before = file.read_text()
    assert "connected anew" in home.ctl("connect", "cursor")
    expected = before.replace("/old/bin/cloister-bridge", home.bridge).replace('"me"', '"cursor"')
    assert file.read_text() == expected
    entry = json.loads(file.read_text())["mcpServers"]["cloister"]
    assert entry == {"command": home.bridge, "args": ["--client", "cursor"], "disabled": True}


def test_an_update_keeps_one_backup_which_an_undo_restores(home):
    file = home.put(".cursor/mcp.json", json.dumps(SERVER))
    home.ctl("connect", "cursor", "--bridge", "/old/bin/cloister-bridge")
    home.ctl("connect", "cursor")
    assert set(home.files()) == {".cursor/mcp.json", ".cursor/mcp.json.cloister-backup"}
    home.ctl("connect", "--undo", "cursor")
    assert home.files() == {".cursor/mcp.json": json.dumps(SERVER).encode()}
    assert file.is_file()


def test_names_and_files_can_be_others(home):
    file = home.put("elsewhere/servers.json", json.dumps(SERVER))
    home.ctl("connect", "cursor", "--config", file, "--name", "linux-box")
    entry = json.loads(file.read_text())["mcpServers"]
    assert set(entry) == {"other", "linux-box"}
    assert "there is an entry other already, which starts npx" in home.ctl(
        "connect", "cursor", "--config", file, "--name", "other", status=1)  # fmt: skip
    assert "is not ours: it starts npx" in home.ctl(
        "connect", "--undo", "cursor", "--config", file, "--name", "other", status=1)  # fmt: skip
    assert not (home.path / ".cursor").exists()


def test_the_places_that_variables_name_are_used(home, tmp_path):
    home.ctl("connect", "zed", "codex", XDG_CONFIG_HOME=str(tmp_path / "x"), CODEX_HOME=str(tmp_path / "c"))
    assert set(home.files()) == {"x/zed/settings.json", "c/config.toml"}


def test_of_several_files_the_one_that_is_there_is_taken(home):
    home.put(".config/opencode/opencode.jsonc", "{\n  // mine\n}\n")
    home.ctl("connect", "opencode")
    assert set(home.files()) == {f".config/opencode/opencode.jsonc{end}" for end in ("", ".cloister-backup")}
    home.put(".config/opencode/opencode.json", "{}")
    assert "already connected" in home.ctl("connect", "opencode")
    home.ctl("connect", "--undo", "opencode")
    assert home.files() == {
        ".config/opencode/opencode.jsonc": b"{\n  // mine\n}\n", ".config/opencode/opencode.json": b"{}"
    }  # fmt: skip
    home.ctl("connect", "opencode")
    assert home.bridge.encode() in home.files()[".config/opencode/opencode.json"]


def test_a_link_of_a_dotfile_manager_stays_a_link(home):
    target = home.put("dotfiles/zed.json", "{\n  // mine\n}\n")
    link = home.path / ".config/zed/settings.json"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../dotfiles/zed.json")
    home.ctl("connect", "zed")
    assert link.is_symlink() and os.readlink(link) == "../../dotfiles/zed.json"
    assert home.bridge in target.read_text() and "// mine" in target.read_text()
    assert (home.path / "dotfiles/zed.json.cloister-backup").is_file()
    home.ctl("connect", "--undo", "zed")
    assert link.is_symlink() and target.read_text() == "{\n  // mine\n}\n"
    target.unlink()
    assert "a link to something that is not there" in home.ctl("connect", "zed", status=1)


@pytest.mark.parametrize(
    ("path", "name", "content", "problem"),
    [
        (".cursor/mcp.json", "cursor", b"\x00\x01garbage", "line 1, column 1: this is not text"),
        (".cursor/mcp.json", "cursor", b'{\n "a": "\xff"}', "line 2, column 8: this is not UTF-8"),
        (".cursor/mcp.json", "cursor", b'{"a": 1,\n', "line 2, column 1: the text ends before its time"),
        (".cursor/mcp.json", "cursor", b"[" * 100_000, "line 1, column 201: this is nested too deeply"),
        (".codex/config.toml", "codex", b"[mcp_servers\n", "line 1, column 13: here should be ]"),
        (".config/goose/config.yaml", "goose", b"a: [\n", "line 2, column 1: this is not YAML"),
        (".config/goose/config.yaml", "goose", b"extensions: {a: {}}\n", "line 1, column 13: extensions is written"),
    ],
)
def test_what_is_not_understood_is_refused_and_left_alone(home, path, name, content, problem):
    file = home.put(path, content)
    before = file.stat()
    said = home.ctl("connect", name, "lm-studio", status=1)
    assert f"{name}: {file}: {problem}" in said and "lm-studio: connected" in said
    after = file.stat()
    assert home.files()[path] == content
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)
    assert not any("backup" in each or "cloister-" in each for each in home.files())


def test_what_is_no_file_of_the_users_is_refused(home, tmp_path):
    file = home.path / ".cursor/mcp.json"
    file.mkdir(parents=True)
    assert "this is not a file" in home.ctl("connect", "cursor", status=1)
    file.rmdir()
    os.mkfifo(file)
    assert "this is not a file" in home.ctl("connect", "cursor", status=1)
    file.unlink()
    home.put(".cursor/mcp.json", "{}")
    os.link(file, tmp_path / "second")
    assert "several names" in home.ctl("connect", "cursor", status=1)
    (tmp_path / "second").unlink()
    file.parent.chmod(0o777)
    assert "others than you could change this directory" in home.ctl("connect", "cursor", status=1)
    file.parent.chmod(0o700)
    assert file.read_text() == "{}" and "connected" in home.ctl("connect", "cursor")


@needs_root
def test_root_does_not_write_for_somebody_else(home):
    file = home.put(".cursor/mcp.json", "{}")
    for variable in "SUDO_USER", "DOAS_USER":
        assert "without sudo" in home.ctl("connect", "cursor", status=1, **{variable: "alice"})
    assert "connected" in home.ctl("connect", "--dry-run", "cursor", SUDO_USER="root")
    os.chown(file, NOBODY, -1)
    assert "this file belongs to another user" in home.ctl("connect", "cursor", status=1)
    assert file.read_text() == "{}"


@needs_root
def test_a_directory_that_cannot_be_written_is_said_and_nothing_is_left(home):
    file = home.put(".cursor/mcp.json", "{}")
    for path in (home.path, *home.path.parents):
        if path != Path("/tmp") and str(path).startswith("/tmp"):
            path.chmod(0o755)
    os.chown(file, NOBODY, -1)
    os.chown(file.parent, NOBODY, -1)
    file.parent.chmod(0o555)
    assert "Permission denied" in home.ctl("connect", "cursor", status=1, user=NOBODY)
    assert home.files() == {".cursor/mcp.json": b"{}"}
    file.parent.chmod(0o755)
    home.ctl("connect", "cursor", user=NOBODY)
    assert file.stat().st_uid == NOBODY and home.bridge in file.read_text()


@pytest.mark.parametrize("failing", ["pwrite=28", "fdatasync=5", "renameat2=28", "fchmod=1"])
def test_a_disk_that_is_full_changes_nothing(home, failing):
    home.put(".cursor/mcp.json", json.dumps(SERVER))
    before = home.files()
    assert failing.split("=")[0] in home.ctl("connect", "cursor", status=1, CLOISTER_INJECT=failing)
    after = home.files()
    after.pop(".cursor/mcp.json.cloister-backup", None)
    assert after == before


def test_a_file_of_ten_megabytes_keeps_all_of_them(home):
    projects = {f"/home/me/{number}": {"history": ["x" * 100] * 10, "mcpServers": {}} for number in range(9000)}
    content = json.dumps({"numStartups": 1, "projects": projects}, indent=2)
    assert len(content) > 10_000_000
    file = home.put(".claude.json", content)
    home.ctl("connect", "claude-code")
    parsed = json.loads(file.read_text())
    assert parsed.pop("mcpServers")["cloister"]["command"] == home.bridge
    assert parsed == json.loads(content)
    home.ctl("connect", "--undo", "claude-code")
    assert file.read_text() == content


async def test_what_is_written_starts_a_bridge_that_reaches_the_daemon(home, cloisterd):
    home.put(".claude.json", json.dumps({"numStartups": 1} | SERVER, indent=2))
    said = home.ctl("--root", cloisterd.directory, "connect", "claude-code")
    assert "warning" not in said
    entry = json.loads((home.path / ".claude.json").read_text())["mcpServers"]["cloister"]
    assert entry["type"] == "stdio"
    async with sdk_client([entry["command"], *entry["args"]], ERAS[-1]) as client:
        information = structured(await client.call_tool("system_info"))
        assert information["kernel"]
