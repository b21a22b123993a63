"""Which requests of one mail are one story: what a request takes over from the others."""

import re
from collections.abc import Mapping

# A request on the left takes these over when both are read: the story of one problem is one request.
ABSORBS: Mapping[str, frozenset[str]] = {
    "delivered_not_received": frozenset({"where_is_my_order", "missing_item", "change_address", "complaint"}),
    "damaged_item": frozenset({"return_item", "exchange_item", "wrong_item", "complaint", "product_question"}),
    "wrong_item": frozenset({"return_item", "exchange_item", "complaint", "missing_item", "change_item", "product_question"}),
    "missing_item": frozenset({"where_is_my_order", "complaint", "return_item"}),
    "promo_code": frozenset({"unsubscribe", "complaint"}),
    "payment_question": frozenset({"complaint"}),
    "warranty": frozenset({"damaged_item", "return_item", "exchange_item", "complaint", "product_question"}),
    "refund_status": frozenset({"complaint", "payment_question"}),
    "exchange_item": frozenset({"return_item", "change_item", "product_question"}),
    "cancel_order": frozenset({"complaint"}),
    "return_item": frozenset({"complaint", "delivery_options"}),
    "where_is_my_order": frozenset({"complaint", "delivery_options"}),
    "change_address": frozenset({"complaint", "delivery_options"}),
    "double_charge": frozenset({"payment_question", "complaint", "missing_item", "return_item"}),
    "change_item": frozenset({"complaint", "exchange_item"}),
    "privacy_request": frozenset({"account_login", "cancel_order"}),
    "gift_card": frozenset({"promo_code", "payment_question"}),
}
# These give way only where they are told as a story, not asked for ("it has not arrived, so please cancel").
ABSORBS_STORY: Mapping[str, frozenset[str]] = {
    "cancel_order": frozenset(
        {"where_is_my_order", "return_item", "delivered_not_received", "change_item", "payment_question"}
    ),
    "change_address": frozenset({"where_is_my_order", "delivered_not_received"}),
    "change_item": frozenset({"where_is_my_order", "wrong_item", "exchange_item", "return_item"}),
    "refund_status": frozenset(
        {
            "where_is_my_order",
            "cancel_order",
            "damaged_item",
            "wrong_item",
            "missing_item",
            "delivered_not_received",
            "return_item",
        }
    ),
    "where_is_my_order": frozenset({"return_item", "change_address", "payment_question"}),
    "exchange_item": frozenset({"where_is_my_order", "wrong_item"}),
    "return_item": frozenset({"where_is_my_order", "exchange_item", "wrong_item", "damaged_item"}),
    "delivery_options": frozenset({"where_is_my_order"}),
    "payment_question": frozenset({"where_is_my_order", "double_charge", "return_item"}),
    "privacy_request": frozenset({"unsubscribe"}),
    "warranty": frozenset({"wrong_item"}),
    "damaged_item": frozenset({"where_is_my_order", "warranty"}),
    "wrong_item": frozenset({"damaged_item", "where_is_my_order"}),
    "missing_item": frozenset({"wrong_item"}),
}

# Nouns of delivery, in folded text: "can you check whether it has come in" without one of them goes on about the other matter.
DELIVERY_NOUN = re.compile(
    r"\d{4}|order|parcel|package|deliver|ship|track|dispatch|courier|paket|paeckchen|bestell|liefer|sendung|\bwaren?\b"
    r"|versand|versend|verschick|my \w+|mein"
)


def is_story(intent: str, *, of: str) -> bool:
    """Whether `intent` may be the same matter as `of`, or a part of what is told about it."""
    return intent == of or intent in ABSORBS.get(of, frozenset()) or intent in ABSORBS_STORY.get(of, frozenset())
