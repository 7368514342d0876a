"""Questions that policy puts to the application's own user: by a request, or in two calls in the modern era."""

import json
import os

import mcp
import mcp_types
import pytest

from clients import LEGACY, MODERN, MODERN_ENVELOPE
from governed import Client, rules

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.geteuid() != 0, reason="a workspace's limit needs a celld that is root"),
]

CAN_ASK = [era for era in LEGACY if era.since("2025-06-18")] + [MODERN]
DISGUISED = "a\u202eb\u001b"


def asking(governed, tree, *more):
    governed.policy(
        rules(
            f"allow: FILE_READ, paths: ['{tree}/file', '{tree}/link']",
            f"ask: FILE_READ, paths: ['{tree}/secret.txt'], via: client",
            f"ask: FILE_WRITE_GLOBAL, paths: ['{tree}/**'], via: client, reason: look first", *more))
    governed.eventually(lambda: governed.generation() == 2)


class User:
    """Somebody in front of the application."""

    def __init__(self, *choices):
        self.choices = list(choices)
        self.seen = []

    async def __call__(self, context, params):
        self.seen.append(params.message)
        choice = self.choices.pop(0)
        if choice in ("decline", "cancel"):
            return mcp_types.ElicitResult(action=choice)
        return mcp_types.ElicitResult(action="accept", content={"answer": choice})


@pytest.mark.parametrize("era", CAN_ASK, ids=str)
async def test_the_official_client_asks_its_user(governed, connect, tree, era):
    asking(governed, tree)
    user = User("Allow once", "Deny", "decline", "cancel", "Whatever", "Allow for this session")
    async with connect(governed.daemon, era, elicitation_callback=user) as client:

        async def write():
            return await client.call_tool("write_file", {"path": f"{tree}/new", "content": DISGUISED})

        assert not (await write()).is_error
        assert (tree / "new").read_text() == DISGUISED
        (tree / "new").unlink()
        [seen] = user.seen
        assert "write_file" in seen and f"FILE_WRITE_GLOBAL {tree}/new" in seen and "look first" in seen
        assert "50-test.yaml:" in seen and r"\u202e" in seen.lower() or r"\u{202E}" in seen
        assert "\u202e" not in seen and "\u001b" not in seen
        for _ in range(3):
            result = await write()
            assert result.is_error and "The application's user denied it" in result.content[0].text
        if era.legacy:
            result = await write()
            assert result.is_error and not (tree / "new").exists()
        # A modern client is asked again when what it says is no answer.
        assert not (await write()).is_error
        assert not (await write()).is_error
        assert user.choices == []
        outcomes = [(each["outcome"], each.get("consent", {}).get("how")) for each in governed.records()]
        asked = [] if era.legacy else [("asked", None)]
        denied = [*asked, ("denied", "client")]
        assert outcomes == [
            *asked, ("succeeded", "client"), *denied, *denied, *denied, *(denied if era.legacy else [*asked, *asked]),
            ("succeeded", "client"), ("succeeded", "grant")]
        assert {each["consent"]["how"] for each in governed.records("consent")} == {"client"}


@pytest.mark.parametrize("era", CAN_ASK, ids=str)
async def test_where_a_link_leads_is_asked_about_too(governed, connect, tree, era):
    asking(governed, tree)
    user = User("Allow once", "Deny")
    async with connect(governed.daemon, era, elicitation_callback=user) as client:
        result = await client.call_tool("read_file", {"path": f"{tree}/link"})
        assert not result.is_error and result.content[0].text.startswith("secret")
        assert f"FILE_READ {tree}/secret.txt" in user.seen[0]
        result = await client.call_tool("read_file", {"path": f"{tree}/link"})
        assert result.is_error and "secret\n" not in result.content[0].text


@pytest.mark.parametrize("era", [LEGACY[0], LEGACY[-1], MODERN], ids=str)
async def test_who_cannot_ask_is_told(governed, connect, tree, era):
    asking(governed, tree)
    async with connect(governed.daemon, era) as client:
        call = client.call_tool("write_file", {"path": f"{tree}/new", "content": "x"})
        if era.legacy:
            result = await call
            assert result.is_error and "has no way to ask" in result.content[0].text
        else:
            with pytest.raises(mcp.MCPError) as failure:
                await call
            assert failure.value.error.code == -32021
            assert failure.value.error.data == {"requiredCapabilities": {"elicitation": {"form": {}}}}
    assert not (tree / "new").exists()
    assert [each["outcome"] for each in governed.records()] == ["denied"]


def legacy(governed):
    client = Client(governed.daemon, capabilities={"elicitation": {}})
    governed.clients.append(client)
    return client


def begin(client, tree, name="new"):
    return client.begin("tools/call", name="write_file", arguments={"path": f"{tree}/{name}", "content": "x"})


def test_a_call_that_is_cancelled_takes_its_question_back(governed, tree):
    asking(governed, tree)
    client = legacy(governed)
    call = begin(client, tree)
    question = client.asked()
    [waiting] = governed.json("approvals")["approvals"]
    assert waiting["via"] == "client"
    # Nobody else answers it.
    assert "asked through client" in governed.ctl("approve", str(waiting["number"]), status=1)
    client.say("notifications/cancelled", requestId=call)
    governed.eventually(lambda: not governed.json("approvals")["approvals"])
    client.reply(question, action="accept", content={"answer": "Allow once"})
    client.ask("ping")
    assert client.withdrawn == [question["id"]] and not (tree / "new").exists()


def test_a_session_that_ends_takes_its_question_along(governed, tree):
    asking(governed, tree)
    client = legacy(governed)
    begin(client, tree)
    client.asked()
    client.close()
    governed.clients.remove(client)
    governed.eventually(lambda: not governed.json("approvals")["approvals"])


def test_what_was_allowed_is_decided_again(governed, tree):
    asking(governed, tree)
    client = legacy(governed)
    call = begin(client, tree)
    question = client.asked()
    governed.policy(rules(f"deny: FILE_WRITE_GLOBAL, paths: ['{tree}/**']"))
    governed.eventually(lambda: governed.generation() == 3)
    client.reply(question, action="accept", content={"answer": "Allow once"})
    text, is_error = client.result(call)
    assert is_error and "is not permitted" in text and not (tree / "new").exists()


def test_questions_of_a_client_are_bounded(governed, tree):
    asking(governed, tree)
    client = legacy(governed)
    calls = [begin(client, tree, str(number)) for number in range(9)]
    text, is_error = client.result(calls[-1])
    assert is_error and "limit" in text and len(governed.json("approvals")["approvals"]) == 8


class Modern:
    """Two rounds by hand."""

    def __init__(self, governed, tree):
        self.client = Client(governed.daemon, initialize=False)
        governed.clients.append(self.client)
        self.path = f"{tree}/new"

    def call(self, path=None, **more):
        meta = {**MODERN_ENVELOPE, "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
        return self.client.ask(
            "tools/call", name="write_file", arguments={"path": path or self.path, "content": "x"}, _meta=meta, **more)

    def state(self):
        return self.call()["result"]["requestState"]


ALLOWED = {"consent": {"action": "accept", "content": {"answer": "Allow once"}}}


def test_a_state_is_good_for_one_answer_to_one_call_of_one_client(governed, tree):
    asking(governed, tree)
    one = Modern(governed, tree)
    state = one.state()
    changed = state[:-1] + ("0" if state[-1] != "0" else "1")
    for wrong in (changed, "", "x", state.upper() + "é", state + "00"):
        assert one.call(requestState=wrong, inputResponses=ALLOWED)["error"]["code"] == -32602
    elsewhere = one.call(f"{tree}/other", requestState=state, inputResponses=ALLOWED)
    assert elsewhere["error"]["code"] == -32602 and "something else" in elsewhere["error"]["message"]
    assert not (tree / "new").exists() and not (tree / "other").exists()
    assert "content" in one.call(requestState=state, inputResponses=ALLOWED)["result"]
    assert (tree / "new").exists()
    again = one.call(requestState=state, inputResponses=ALLOWED)
    assert again["error"]["code"] == -32602 and "does not stand" in again["error"]["message"]


def test_a_state_without_an_answer_asks_again(governed, tree):
    asking(governed, tree)
    one = Modern(governed, tree)
    for responses in ({}, {"other": {"action": "accept"}}, {"consent": {"action": "accept", "content": {}}}):
        assert one.call(requestState=one.state(), inputResponses=responses)["result"]["resultType"] == "input_required"
    assert one.call(requestState=one.state())["result"]["resultType"] == "input_required"


def test_a_state_is_no_other_users(governed, tree):
    asking(governed, tree)
    state = Modern(governed, tree).state()
    governed.directory.chmod(0o755)
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.setgid(65534)
            os.setuid(65534)
            answer = Modern(governed, tree).call(requestState=state, inputResponses=ALLOWED)
            os.write(write, json.dumps(answer).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        answer = json.load(pipe)
    os.waitpid(child, 0)
    assert answer["error"]["code"] == -32602 and "another client" in answer["error"]["message"]


def test_what_policy_asks_somebody_else_about_by_then_is_not_settled(governed, tree):
    asking(governed, tree)
    one = Modern(governed, tree)
    state = one.state()
    governed.policy(rules(f"deny: FILE_WRITE_GLOBAL, paths: ['{tree}/**']"))
    governed.eventually(lambda: governed.generation() == 3)
    result = one.call(requestState=state, inputResponses=ALLOWED)["result"]
    assert result["isError"] and "is not permitted" in result["content"][0]["text"]
    assert not (tree / "new").exists()
