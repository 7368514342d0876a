"""A restart and a crash of cloisterd under the real systemd: its clients stay, with their cells and calls."""

import os
import signal
import threading
import time

from administrator import is_started_again, property_of, wait_until
from services import Client, main_process, systemctl

UNIT = "cloisterd.service"


def restarted():
    before = main_process(UNIT)
    systemctl("restart", UNIT)
    assert main_process(UNIT) not in (0, before)


def crashed():
    before = main_process(UNIT)
    os.kill(before, signal.SIGKILL)
    assert is_started_again(UNIT, before)


def outcome(client, number):
    """The result of a call, or its error."""
    with client.arrived:
        assert client.arrived.wait_for(lambda: number in client.answers or None in client.answers, 120), "no answer"
        assert None not in client.answers, "the connection is gone"
        return client.answers.pop(number)


def test_systemd_says_who_is_served(anna):
    anna.run("true")
    wait_until(lambda: property_of(UNIT, "StatusText") == "Serving 1 client in 1 cell; policy in force")
    with Client("ben"):
        wait_until(lambda: property_of(UNIT, "StatusText") == "Serving 2 clients in 1 cell; policy in force")


def test_a_restart_drops_no_client_and_no_cell(anna, ben):
    for client in (anna, ben):
        client.run("echo mine >/tmp/only-in-this-cell")
    # The socket, the journal and the process of each, their cells, and the connection to celld.
    wait_until(lambda: int(property_of(UNIT, "NFileDescriptorStore")) == 2 * 4 + 1)
    for _ in range(3):
        restarted()
        for client in (anna, ben):
            assert client.run("cat /tmp/only-in-this-cell").output == "mine\n"


def test_a_command_that_runs_is_answered_after_the_restart(anna):
    call = anna.start("run_command", command="echo before; sleep 8; echo after")
    time.sleep(2)
    restarted()
    result = outcome(anna, call)["result"]
    assert result["structuredContent"]["stdout"] == "before\nafter\n"


def test_a_crash_drops_no_client_and_answers_what_was_under_way_with_an_error(anna):
    anna.run("echo mine >/tmp/only-in-this-cell")
    call = anna.start("run_command", command="sleep 60")
    time.sleep(2)
    crashed()
    error = outcome(anna, call)["error"]
    assert error["code"] == -32603 and "ended unexpectedly" in error["message"]
    assert anna.run("cat /tmp/only-in-this-cell").output == "mine\n"
    assert anna.answers == {}


def test_clients_that_never_rest_notice_no_restart():
    clients = [Client(user) for user in ("anna", "ben", "anna")]
    is_over, done = threading.Event(), []

    def go_on(client):
        while not is_over.is_set():
            done.append(outcome(client, client.start("run_command", command="echo x"))["result"]["content"][0]["text"])

    threads = [threading.Thread(target=go_on, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(1)
        restarted()
    is_over.set()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert len(done) > 10 and all(text.startswith("x\n") for text in done)
    for client in clients:
        assert client.answers == {}
        client.__exit__()


def test_what_is_kept_goes_with_its_client():
    with Client("anna") as anna:
        anna.run("true")
        wait_until(lambda: int(property_of(UNIT, "NFileDescriptorStore")) == 5)
    # celld's connection is all that is left.
    wait_until(lambda: int(property_of(UNIT, "NFileDescriptorStore")) == 1)
