"""What all the tests before this one have left in the journal, before the package goes."""

from administrator import journal
from services import systemctl


def test_nothing_was_lost_on_the_way():
    """No process of ours called what its unit's filter refuses (units/strict.conf), and no unit has failed."""
    entries = journal()
    assert not [text for text in (str(entry["MESSAGE"]) for entry in entries) if "SYS" in text and "status=31" in text]
    assert systemctl("list-units", "--failed", "--no-legend", "cloister*") == ""
    assert entries
