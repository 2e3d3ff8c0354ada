"""All that the text door says, in one place, so that it can be said in other languages."""

from __future__ import annotations

from enum import unique

from appliance.errors import Answer


@unique
class Said(Answer):
    """Answers to texts; names in braces are filled in."""

    HELP = (
        "BAL: what you have. PAY ana 30 bread: pay. NEWS: the board. ZINES word: the archive."
        " SOS words: call for help. SAFE: it is over."
    )
    UNCLEAR = "I did not understand that. Text HELP to see what I can do."
    HOW_TO_PAY = "To pay, text: PAY name amount what for. Such as: PAY ana 30 bread."
    NOT_PAIRED = (
        "I do not know this phone yet. Sign in on the pages of {node} and open My phone: there you get a code for me."
    )
    PAIRED = "Hello {name}, this phone is yours now. Text HELP to see what I can do."
    CODE_WRONG = "That code is not right, or too old. Get a new one on the page My phone."
    BALANCE = "You have {balance} {currency}. You can pay up to {payable} here now."
    CONFIRM = "Pay {amount} {currency} to {to}{memo}? To do it, text YES {code} within 5 minutes."
    PAID = "Paid: {amount} {currency} to {to}. It is {standing}."
    NOTHING_WAITS = "Nothing waits for that code. Text the payment again."
    TOO_LATE = "That question is too old, so nothing was paid. Text the payment again."
    NO_NEWS = "Nothing hangs on the board."
    NO_ZINES = "No zine here speaks of that."
    WHICH_ZINES = "Text ZINES and a word to look for."
    CALLED = "Your call went out to everybody. When it is over, text SAFE."
    SAFE = "Everybody is told that it is over."
    CARD_FAILS = "My card takes nothing just now, so I could not do that. Ask a keeper, and text again later."
    NOTHING_TO_END = "You have no call that is still going on."


@unique
class Alarm(Answer):
    """What everybody's phone shows of a call that was raised at this node."""

    DANGER = "SOS, life in danger"
    HELP = "SOS, help needed"
    WATCH = "Look out"
    OVER = "ALL CLEAR"
    WHOLE = "{level}: {words} ({name}, {node})"
    WORDLESS = "{level} ({name}, {node})"
