import re

from server.controls.control_table import CONTROLS
from server.jam.readouts import READOUTS
from server.remote.osc_docs import osc_page
from tests.conftest import CHECKOUT


def test_the_page_in_the_docs_is_up_to_date() -> None:
    assert (CHECKOUT / "docs" / "osc.md").read_text(encoding="utf-8") == osc_page(), "write it again: make docs"


def test_every_control_and_every_readout_has_a_line() -> None:
    lines = [(control.address, control.help) for control in CONTROLS] + [
        (readout.address, readout.help) for readout in READOUTS
    ]
    for address, help_text in lines:
        assert re.search(rf"^\| `{address}` \|.*{re.escape(help_text)}", osc_page(), re.MULTILINE)
