"""Why an update is not taken, or not gone back from: each answer says what is wrong and what to do."""

from __future__ import annotations

from enum import unique

from appliance.errors import Answer


@unique
class Flaw(Answer):
    """Each leaves the system that runs as it was."""

    NONE_THERE = "There is no update in {place}: no file whose name begins with hedgerow- and ends in .update."
    UNREADABLE = (
        "{name} cannot be read ({reason}). If the stick was pulled out, put it in again; else try another stick."
    )
    NOT_ONE = "{name} is not an update, or its beginning is damaged. Copy the file again."
    LATER_FORMAT = "{name} is written in a form that this version does not know yet. Bring an update from in between."
    CUT_SHORT = "{name} ends too early: {have} of {size} bytes are there. Copy the file again, to its end."
    TOO_LONG = "{name} has bytes behind its end, so somebody changed it. Do not use it; fetch the file again."
    CHANGED = "{name} is damaged or was changed, from byte {at} on. Nothing of it is used; fetch the file again."
    FALSE_SIGNATURE = (
        "A signature of {signer} on {name} is false: the file was changed after it was signed. Do not use it."
    )
    SIGNED_TWICE = (
        "{name} bears one keeper's signature twice, or they are out of order. Do not use it; fetch the file again."
    )
    NO_KEYS = (
        "This node knows nobody who may sign updates, so it takes none. Lay the list update-keys.txt into the folder"
        " hedgerow on the card, with a laptop."
    )
    KEYS_UNREADABLE = "The list of those who may sign updates is wrong in line {line}: {reason}. Put that right."
    TOO_FEW = "{name} is signed by {have} of the keepers whom this node knows, and {needed} must. Ask another keeper to sign it."
    OLD = "{name} brings version {version}, which is older than {running} that runs here. It is not taken."
    SAME = "Version {version} runs here already, so there is nothing to do."
    FAILED_HERE = (
        "Version {version} was tried here and did not hold. Bring a newer one, or let a keeper try it again on the"
        " keeper's page."
    )
    OTHER_MACHINE = (
        "{name} is for machines of the kind {architecture}, and this one is {ours}. Bring the file for this kind."
    )
    LACKS = (
        "{name} lacks {missing}, without which this board might not start: the version that runs has it. Build the update"
        " with all that its card has."
    )
    TOO_LARGE = "{name} takes {size} MB, and its place on this card has {room} MB. Write a new card instead."
    NO_ROOM = "There is no room on the card to keep {name} ({size} MB). Let something go first."
    NO_CARD = (
        "This node does not run from a card of ours, so there is no second system to write. Install the new version in the"
        " way in which this one was installed."
    )
    KEEPERS_ONLY = "Only the machine's administrator can write the second system. Run the command as root."
    WRITTEN_WRONG = "What was read back from the card is not what was written. The card may be failing: make a backup."
    NOT_WRITTEN = "The card could not be written ({reason}). The version that runs is untouched."
    ON_TRIAL = "Version {version} is on trial for some minutes. Wait until it has shown that it holds."
    NOTHING_BEFORE = "There is no earlier version on this card to go back to."
    NO_WAY_BACK = (
        "Version {version} cannot read the books any more since they were brought into a newer form, so there is no way back"
        " to it."
    )
    SIGNED_ALREADY = "{name} is signed with this key already."
    FULLY_SIGNED = "{name} has as many signatures as it can hold."
