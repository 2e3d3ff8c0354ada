"""What a peer or a medium can do wrong. A peer's mistake raises `PeerFault`; anything else is our own bug."""


class MeshError(Exception):
    """Something between nodes went wrong; nothing that was confirmed is touched by it."""


class PeerFault(MeshError):
    """A peer sent something that breaks the rules: drop it, count it, carry on."""


class Malformed(PeerFault):
    """The bytes are not in the one form the format pages allow."""


class BadSignature(PeerFault):
    """The signature does not belong to these bytes and this key."""


class ForkedLog(PeerFault):
    """Two statements of one writer contradict each other."""


class Unexplained(PeerFault):
    """A text is missing, and no word of its author that takes it back is here. It may come with later records."""


class UnknownVersion(PeerFault):
    """The bytes come from a newer program; they are counted and left alone."""


class TornBundle(PeerFault):
    """The file ends before its writer ended it. What came before is good, and was handed over."""


class TransportDown(MeshError):
    """This road cannot carry anything just now. Everything is saved and will leave by itself."""


class AirtimeSpent(TransportDown):
    """The radio has used its share of the air for now. Everything is saved and will leave by itself."""
