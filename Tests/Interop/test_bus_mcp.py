"""MCP on the bus: OpenSession, Call, ListTools and CallTool, by libdbus-1 and busctl."""

import json
import os

import pytest

from bus import MCP, NAME, NOBODY, ROOT, BusScene, error, until
from governed import Client, rules
from polkit import Application
from test_bus import OTHER

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts of its own, and clients of other users, need root")

LINES = "2025-06-18"


def tool(caller, name, arguments=None, **options):
    values = caller.call(
        ROOT, MCP, "CallTool", "ssa{sv}", name, json.dumps(arguments or {}), {key: ("s", each) for key, each in options.items()}
    )
    return values[0], json.loads(values[1])


def text(caller, name, arguments=None, **options):
    is_error, result = tool(caller, name, arguments, **options)
    return result["content"][0]["text"], is_error


def request(method, identifier=1, **params):
    return json.dumps({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params})


INITIALIZE = request(
    "initialize", protocolVersion=LINES, capabilities={}, clientInfo={"name": "lines", "version": "1"}
)


def test_busctl_calls_a_tool(scene):
    said = scene.busctl("--json=short", "call", NAME, ROOT, MCP, "CallTool", "ssa{sv}", "system_info", "{}", "0")
    is_error, result = json.loads(said)["data"]
    assert is_error is False and "kernel" in json.loads(result)["content"][0]["text"].lower()
    tools = json.loads(json.loads(scene.busctl("--json=short", "call", NAME, ROOT, MCP, "ListTools"))["data"][0])
    assert {"system_info", "read_file"} <= {each["name"] for each in tools["tools"]}


def test_a_caller_has_the_cell_and_the_workspace_that_it_has_over_the_socket(scene):
    application = Application(NOBODY)
    client = Client(scene.governed.daemon, name="notes", connection=application.connect(scene.governed.daemon))
    scene.governed.clients.append(client)
    assert client.call("write_file", path="kept", content="by socket")[1] is False
    caller, other = scene.caller(NOBODY), scene.caller(OTHER)
    assert text(caller, "read_file", {"path": "kept"}, client="notes") == ("by socket", False)
    assert text(caller, "run_code", {"language": "python3", "source": "import os; print('I am', os.getuid())"}, client="notes")[0].startswith(f"I am {NOBODY}")
    # Another application of the same user, and the same of another user, have their own.
    assert text(caller, "read_file", {"path": "kept"}, client="else")[1] is True
    assert text(other, "read_file", {"path": "kept"}, client="notes")[1] is True
    clients = scene.governed.json("clients")["clients"]
    over_bus = [each for each in clients if each["transport"] == "bus" and each["uid"] == NOBODY]
    assert len(over_bus) == 2 and all(each["pid"] == caller.pid for each in over_bus)
    by_socket = [each for each in clients if each["transport"] == "socket"]
    assert over_bus[0]["executable"] == by_socket[0]["executable"] == os.path.realpath(f"/proc/{caller.pid}/exe")


def test_policy_knows_the_transport(scene):
    scene.governed.policy(
        "clients:\n  - name: test\n    match: {transport: bus}\n    rules:\n      - {deny: TOOL, tools: system_info}\n"
    )
    caller = scene.caller(NOBODY)
    until(lambda: "system_info" not in scene.busctl("call", NAME, ROOT, MCP, "ListTools"), "policy")
    assert error(tool, caller, "system_info")[0] == f"{NAME}.Error.Protocol"
    assert scene.governed.connect().call("system_info")[1] is False


def test_a_session_that_was_opened_is_a_socket_with_all_of_mcp(scene):
    caller = scene.caller(NOBODY)
    [descriptor] = caller.call(ROOT, MCP, "OpenSession", "a{sv}", {})
    lines = caller.do(
        do="talk", descriptor=descriptor, lines=3,
        text="\n".join([INITIALIZE, request("tools/list", 2), request("tools/call", 3, name="system_info", arguments={}), ""]),
    )["lines"]  # fmt: skip
    first, second, third = map(json.loads, lines)
    assert third["result"]["content"]
    assert first["result"]["serverInfo"]["name"] == "cloister"
    assert "read_file" in {each["name"] for each in second["result"]["tools"]}
    [client] = scene.governed.json("clients")["clients"]
    assert (client["transport"], client["uid"], client["claim"]) == ("bus", NOBODY, "lines")


def test_a_call_passes_lines_on(scene):
    caller = scene.caller()
    call = lambda line: caller.call(ROOT, MCP, "Call", "s", line)[0]  # noqa: E731
    assert json.loads(call(INITIALIZE))["result"]["protocolVersion"] == LINES
    assert call('{"jsonrpc":"2.0",\n "method":"notifications/initialized"}') == ""
    answer = json.loads(call(request("tools/call", "x\u00e4", name="system_info", arguments={})))
    assert answer["id"] == "x\u00e4" and answer["result"]["content"]
    assert json.loads(call(request("nothing", 7)))["error"]["code"] == -32601
    for wrong in "", "{", "[]", "1", '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', "[" * 100_000:
        assert error(call, wrong)[0] == "InvalidArgs"


def test_what_the_daemon_says_by_itself_is_for_that_caller_alone(scene):
    one, other, listener = scene.caller(NOBODY), scene.caller(NOBODY), scene.caller(OTHER)
    for each in one, other, listener:
        each.do(do="match", rule=f"type='signal',sender='{NAME}',interface='{MCP}'")
    for each in one, other:
        assert tool(each, "system_info")[0] is False
    code = "import time\nfor n in range(3):\n print(n, flush=True)\n time.sleep(0.3)\n"
    assert text(one, "run_code", {"language": "python3", "source": code}, progress_token="mine")[1] is False
    progress = [each for each in one.signals(1) if each[4] == "Progress"]
    assert progress and all(each[1] == one.name and each[2:4] == [ROOT, MCP] for each in progress)
    assert {each[5][0] for each in progress} == {"mine"}
    assert other.signals(0.3) == [] and listener.signals(0.3) == []
    scene.governed.policy(rules("deny: TOOL, tools: system_info"))
    for each in one, other:
        assert [signal[4:] for signal in each.signals(1)] == [["ToolsChanged", []]]
    assert listener.signals(0.3) == []


def test_sessions_end_when_their_caller_leaves_the_bus(scene):
    caller = scene.caller(NOBODY)
    tool(caller, "list_directory", {"path": "."})
    caller.call(ROOT, MCP, "OpenSession", "a{sv}", {})
    caller.call(ROOT, MCP, "Call", "s", INITIALIZE)
    assert len(scene.governed.json("clients")["clients"]) == 3 and len(scene.governed.json("cells")["cells"]) == 1
    caller.leave()
    until(lambda: not scene.governed.json("clients")["clients"], "the end of the sessions", 10)
    assert scene.governed.json("cells")["cells"] == []
    changes = [each["change"] for each in scene.governed.records("session")]
    assert changes.count("opened") == changes.count("closed")


def test_a_caller_that_leaves_in_the_middle_of_a_call_takes_it_along(scene):
    caller = scene.caller(NOBODY)
    caller.begin(ROOT, MCP, "CallTool", "ssa{sv}", "run_code", json.dumps({"language": "python3", "source": "import time; time.sleep(100)"}), {})
    until(lambda: scene.governed.json("cells")["cells"], "the cell of the call")
    caller.leave()
    until(lambda: not scene.governed.json("clients")["clients"], "the end of the session", 20)
    [call] = scene.governed.eventually(scene.governed.records)
    assert call["outcome"] == "cancelled"


def test_many_callers_leave_before_they_are_answered(scene):
    for _ in range(20):
        callers = [scene.caller(NOBODY) for _ in range(3)]
        for each in callers:
            each.begin(ROOT, MCP, "OpenSession", "a{sv}", {})
            each.leave()
    until(lambda: not scene.governed.json("clients")["clients"], "the end of the sessions", 20)
    assert tool(scene.caller(NOBODY), "system_info")[0] is False


def test_wrong_arguments_are_refused(scene):
    caller = scene.caller()
    for options in {"client": ("s", "y")}, {"client": ("u", 1)}, {"client": ("as", ["a"])}, {"client": ("v", ("s", "a"))}:
        assert error(caller.call, ROOT, MCP, "OpenSession", "a{sv}", options)[0] == "InvalidArgs", options
    for arguments in "", "1", "[]", "{", '{"a":1}x', "x" * (1 << 20):
        assert error(caller.call, ROOT, MCP, "CallTool", "ssa{sv}", "system_info", arguments, {})[0] == "InvalidArgs"
    assert error(tool, caller, "x" * (1 << 20))[0] == f"{NAME}.Error.Protocol"
    assert error(tool, caller, "nothing")[0] == f"{NAME}.Error.Protocol"
    assert scene.governed.json("clients")["clients"] == [] or tool(caller, "system_info")[0] is False


def test_sessions_of_a_caller_are_bounded(scene):
    caller = scene.caller(NOBODY)
    for _ in range(64):
        caller.call(ROOT, MCP, "OpenSession", "a{sv}", {})
    assert error(caller.call, ROOT, MCP, "OpenSession", "a{sv}", {})[0] == "LimitsExceeded"
    for number in range(8):
        tool(caller, "system_info", client=f"application {number}")
    assert error(tool, caller, "system_info", client="another")[0] == "LimitsExceeded"


def test_a_bus_that_ends_ends_sessions_of_the_bus_and_no_others(scene):
    caller = scene.caller(NOBODY)
    tool(caller, "system_info")
    client = scene.governed.connect()
    scene.polkit.end(scene.polkit.bus)
    until(lambda: len(scene.governed.json("clients")["clients"]) == 1, "the end of the caller's session", 10)
    assert client.call("system_info")[1] is False


def test_what_the_session_would_not_read_is_refused_and_not_waited_for(scene):
    """The session answers it under no id: it was waited for without end."""
    caller = scene.caller(NOBODY)
    fault = ("InvalidArgs", "this names a member twice")
    assert error(caller.call, ROOT, MCP, "CallTool", "ssa{sv}", "system_info", '{"a": 1, "a": 2}', {}) == fault
    caller.call(ROOT, MCP, "Call", "s", INITIALIZE)
    twice = request("ping", 2)[:-1] + ', "id": 2}'
    assert error(caller.call, ROOT, MCP, "Call", "s", twice) == fault
    for identifier in 1.5, True, {}, None:
        fault = ("InvalidArgs", "a request's id is a string or an integer")
        assert error(caller.call, ROOT, MCP, "Call", "s", request("ping", identifier)) == fault
    deepest = '{"a":' + "[" * 126 + "]" * 126 + "}"
    name, message = error(caller.call, ROOT, MCP, "CallTool", "ssa{sv}", "system_info", deepest, {})
    assert name == "InvalidArgs" and "nested too deeply" in message
    assert json.loads(caller.call(ROOT, MCP, "Call", "s", request("ping", 3))[0])["result"] == {}


def test_what_is_longer_than_a_line_may_be_is_refused(executable):
    scene = BusScene(executable, "--line-limit", "4096")
    try:
        caller = scene.caller(NOBODY)
        assert tool(caller, "system_info")[0] is False
        caller.call(ROOT, MCP, "Call", "s", INITIALIZE)
        for size, is_read in [(3800, True), (4097, False)]:
            for method, values in [
                ("CallTool", ("ssa{sv}", "system_info", json.dumps({"a": "x" * size}), {})),
                ("Call", ("s", request("tools/call", 7, name="system_info", arguments={"a": "x" * size}))),
            ]:
                if is_read:
                    assert "unknown argument" in caller.call(ROOT, MCP, method, *values)[-1]
                else:
                    name, message = error(caller.call, ROOT, MCP, method, *values)
                    assert name == "LimitsExceeded" and "and 4096 are the most" in message
        # A session whose handshake is too long is none.
        clients = len(scene.governed.json("clients")["clients"])
        for _ in range(3):
            assert error(tool, caller, "system_info", client="x" * 4097)[0] == "LimitsExceeded"
        scene.governed.eventually(lambda: len(scene.governed.json("clients")["clients"]) == clients)
        note = json.dumps({"jsonrpc": "2.0", "method": "notifications/x", "params": {"a": "x" * 4097}})
        assert error(caller.call, ROOT, MCP, "Call", "s", note)[0] == "LimitsExceeded"
    finally:
        scene.stop()
