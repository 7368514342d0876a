"""A key that an administrator gives for the signatures of audit records."""

import base64
import os
from contextlib import contextmanager

from administrator import cursor, done, is_active, journal, run, wait_until
from services import Client, systemctl

STORE = "/etc/credstore"
CREDENTIAL = f"{STORE}/cloister.audit-key"
OWN = "/var/lib/cloister/audit/key"


@contextmanager
def given(content):
    os.makedirs(STORE, mode=0o700, exist_ok=True)
    with open(os.open(CREDENTIAL, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    try:
        yield
    finally:
        os.remove(CREDENTIAL)
        run("systemctl", "reset-failed", "cloisterd.service")
        systemctl("restart", "cloisterd.service")


def refused_because(reason):
    mark = cursor()
    run("systemctl", "restart", "cloisterd.service")
    wait_until(lambda: any(reason in str(entry.get("MESSAGE")) for entry in journal(mark)))
    assert is_active("cloisterd.service") != "active"


def test_a_key_that_is_none_is_refused_and_says_so():
    with given(b"nonsense\n"):
        refused_because("cloister.audit-key: is no private Ed25519 key in PEM form")
    with Client("anna") as anna:
        assert not anna.run("true").is_error


def test_another_key_than_the_one_that_signed_is_refused():
    # PrivateKeyInfo for id-Ed25519 (RFC 8410), and a seed.
    der = bytes.fromhex("302e020100300506032b657004220420") + bytes(range(32))
    with given(b"-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n" % base64.b64encode(der)):
        refused_because("is another key than the one that signed")


def test_with_a_key_that_is_given_the_daemon_has_none_of_its_own():
    with open(OWN, "rb") as file:
        key = file.read()
    os.rename(OWN, OWN + ".aside")
    try:
        with given(key):
            systemctl("restart", "cloisterd.service")
            with Client("anna") as anna:
                assert not anna.run("true").is_error
            assert not os.path.exists(OWN)
            done("cloisterctl", "audit", "verify")
            os.rename(OWN + ".aside", OWN)
    finally:
        if os.path.exists(OWN + ".aside"):
            os.rename(OWN + ".aside", OWN)
