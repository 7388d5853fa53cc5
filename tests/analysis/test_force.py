"""What is said of an action: obliged, forbidden, permitted, limited, or not obliged."""

import pytest

from analysis.force import Force, bearing, force_at


@pytest.mark.parametrize(
    ("text", "action", "force"),
    [
        ("Customer shall not assign this Agreement", "assign", Force.FORBIDS),
        ("Neither party shall assign this Agreement", "assign", Force.FORBIDS),
        ("The Recipient agrees not to copy or disclose Information", "disclose", Force.FORBIDS),
        ("Recipient shall not disclose it without prior written consent of the Owner", "disclose", Force.FORBIDS),
        ("Supplier is prohibited from disclosing it", "disclosing", Force.FORBIDS),
        ("Supplier is not entitled to terminate", "terminate", Force.FORBIDS),
        ("The Recipient shall: (f) not to alter or decompile", "decompile", Force.FORBIDS),
        ("Nothing in this Agreement shall prevent Supplier from assigning", "assigning", Force.FREES),
        ("Supplier is not prohibited from disclosing it", "disclosing", Force.FREES),
        ("Supplier is not required to pay", "pay", Force.FREES),
        ("Supplier shall not be obligated to pay", "pay", Force.FREES),
        ("Nothing herein shall be construed as granting any right", "granting", Force.DENIES),
        ("The Agreement does not terminate", "terminate", Force.DENIES),
        ("Recipient may disclose it only to its employees", "disclose", Force.LIMITS),
        ("Recipient shall not disclose it to any person except its employees", "disclose", Force.LIMITS),
        ("Recipient shall use the Information solely for the Purpose", "use", Force.LIMITS),
        ("Tenant may, with notice, terminate", "terminate", Force.PERMITS),
        ("Tenant is entitled to terminate", "terminate", Force.PERMITS),
        ("Customer shall pay not later than May", "pay", Force.OBLIGES),
        ("If Investor elects not to proceed, the Investor will return it", "return", Force.OBLIGES),
        ("The Agreement terminates in May", "terminates", Force.STATES),
        ("It may not be copied; Supplier shall deliver", "deliver", Force.OBLIGES),
    ],
)
def test_force(text: str, action: str, force: Force) -> None:
    assert force_at(text, text.index(action)) == force


@pytest.mark.parametrize(
    ("claimed", "stated", "bears"),
    [
        (Force.PERMITS, Force.FORBIDS, -1),
        (Force.FORBIDS, Force.PERMITS, -1),
        (Force.OBLIGES, Force.FREES, -1),
        (Force.OBLIGES, Force.PERMITS, 0),
        (Force.PERMITS, Force.LIMITS, 1),
        (Force.FORBIDS, Force.LIMITS, 1),
        (Force.STATES, Force.OBLIGES, 1),
        (Force.STATES, Force.DENIES, -1),
    ],
)
def test_bearing(claimed: Force, stated: Force, bears: int) -> None:
    assert bearing(claimed, stated) == bears


@pytest.mark.parametrize("force", [force for force in Force if force is not Force.LIMITS])
def test_everything_bears_itself_out(force: Force) -> None:
    assert bearing(force, force) == 1
