"""What is denied, taken back or only supposed is not done. Each denied sentence once cancelled, paid or changed something."""

import pytest

from caseworker.reading.encoder import fold
from caseworker.reading.stance import is_denied, is_supposed, is_taken_back


@pytest.mark.parametrize(
    ("intent", "text"),
    [
        ("cancel_order", "Bitte stornieren Sie die Bestellung nicht!"),
        ("cancel_order", "My neighbour told me to cancel my order but I will keep it."),
        ("cancel_order", "If the order has not shipped by Friday I will cancel it."),
        ("cancel_order", "I did not ask you to cancel order 7."),
        ("cancel_order", "How do I cancel order 7?"),
        ("cancel_order", "Would it cost anything to cancel order 7?"),
        ("cancel_order", "Please ignore that mail."),
        ("damaged_item", "My order arrived and nothing is damaged, thank you."),
        ("damaged_item", "What happens if an item arrives damaged?"),
        ("missing_item", "No, I found it, all is there."),
        ("change_address", "Please do not change the address of my order to Hauptstr. 5."),
    ],
)
def test_what_is_not_meant_is_heard_as_such(intent: str, text: str) -> None:
    folded = fold(text)
    assert is_denied(folded, intent) or is_taken_back(folded) or is_supposed(folded, intent)


@pytest.mark.parametrize(
    "text",
    [
        "Please cancel, it has not shipped yet",
        "Please cancel my order, I don't need it any more",
        "Ich brauche die Lampe nicht mehr, bitte stornieren",
        "Bitte stornieren, falls noch nicht verschickt",
        "If it has not left yet please cancel it",
        "Why has my order not been cancelled yet?",
        "I just want it cancelled",
    ],
)
def test_a_plain_wish_is_none_of_these(text: str) -> None:
    folded = fold(text)
    assert not (is_denied(folded, "cancel_order"))
    assert not (is_taken_back(folded))
    assert not (is_supposed(folded, "cancel_order"))
