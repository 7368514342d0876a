"""What the acceptance suite stands on: the machine as its administrator has it, and the harness of the other tests."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../guest"), os.path.join(HERE, "../../Cells")]

import pytest  # noqa: E402

from people import anna, ben  # noqa: E402, F401
from services import systemctl  # noqa: E402

POLKIT = "/etc/polkit-1/rules.d/50-acceptance.rules"
ALLOW = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.cloister.Cloister1.code-execution-sudo" && subject.user == "anna"
        && action.lookup("program") != "/usr/bin/whoami")
        return polkit.Result.YES;
});
"""


def reread():
    """polkitd sees the file come; a restart is quicker than to wait for that. So many of them are no crash."""
    systemctl("restart", "polkit.service")
    systemctl("reset-failed", "polkit.service")


@pytest.fixture
def allowed():
    """polkit lets anna's commands be root, but for one."""
    os.makedirs(os.path.dirname(POLKIT), exist_ok=True)
    with open(POLKIT, "w") as file:
        file.write(ALLOW)
    try:
        reread()
        yield
    finally:
        os.remove(POLKIT)
        reread()
