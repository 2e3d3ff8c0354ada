"""The air codec: runs of records as few bits, told apart from what both ends hold already.

    packing      runs as one stream, and back
    shared       what the hearer must hold, read again so that both ends learn the same
    values       CBOR values by their places in records of one kind
    text         what people write, letter by letter
    arithmetic   bits of any probability, as bytes

A transport matter: nothing here enters a hash. All of it computes with integers, so every machine gives the same bits.
"""
