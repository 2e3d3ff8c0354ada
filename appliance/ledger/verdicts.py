"""Every answer that a payment can get, in order of precedence: the first that applies is the answer."""

from __future__ import annotations

from enum import unique

from appliance.errors import Answer


@unique
class Verdict(Answer):
    """The closed list."""

    AMOUNT_MUST_BE_POSITIVE = "The amount must be more than nothing."
    AMOUNT_TOO_LARGE = "That amount is larger than this ledger can hold."
    AMOUNT_TOO_FINE = "{currency} has only {decimals} digits after the point."
    AMOUNT_UNREADABLE = "{text} is not an amount. Write a number such as 7 or 1.5."
    POSTINGS_MUST_BALANCE = "What one pays and what the other gets must be the same."
    PAYER_UNKNOWN = "Nobody called {name} is known here, so nothing was paid. Look at the list of neighbours."
    PAYEE_UNKNOWN = "Nobody called {name} is known here. Look at the list of neighbours."
    PAYEE_AMBIGUOUS = "More than one neighbour is called {name}. Add the node, as in {name}@{example}."
    ACCOUNTS_MUST_DIFFER = "You cannot pay yourself."
    CURRENCY_UNKNOWN = "{currency} is not a currency of this commons."
    MEMO_TOO_LONG = "A note on a payment has at most {limit} characters."
    PAYEE_IN_QUESTION = (
        "{home} has told two different stories. Nothing can be paid to its neighbours until that is sorted out."
    )
    HOME_IS_ELSEWHERE = "The account of {name} is kept at {home}. Please pay there."
    REVERSES_UNKNOWN = "There is no payment with that number to give back."
    REVERSES_TWICE = "That payment was already given back."
    REVERSES_UNEQUAL = "Only the one who was paid can give a payment back, and only all of it."
    EXCEEDS_CREDIT_LIMIT = "That is more than can be paid from this account now. At most {room} {currency}."
    NODE_IS_READ_ONLY = "This node only reads for now. The keeper's page tells why and what to do."
    ACCEPTED = "Done."
