"""Small bundles, good and bad, each with what becomes of it. The files in tests/vectors/bundle-v1 were made from these.

`python -m tests.mesh.bundle_samples DIR` writes those that are missing. A file that was once published there is never
written again: it must open for ever, and a test holds this page to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from mesh import canonical
from mesh.airform import node_handle
from mesh.bundle import BUNDLE_DOMAIN, VERSION_WITH_CALLS, BundleReader, BundleWriter, read_bundle
from mesh.distress import Caller, Distress, Level
from mesh.errors import PeerFault
from mesh.frames import BlobFrame, CallsFrame, Frame, FrontierFrame, RunsFrame, SealedFrame, encode_run
from mesh.frontier import Frontier, Reach
from mesh.keys import PUBLIC, SIGNATURE_SIZE, EpochKey, NodeId, NodeKey, Scope, commons_scope, digest, log_id, written
from mesh.links import Founding, Opening
from mesh.log import Checkpoint, Run, first_head, heads
from mesh.record import Record
from mesh.sealing import HEAD_SIZE, Seal

ANA, BEN, CARA = (NodeKey(bytes([number]) * 32) for number in (1, 2, 3))
NONCE = bytes(range(16))
STREET = commons_scope(ANA.public_key, NONCE)
STREET_KEY = EpochKey(bytes(range(32)))
KEYS = {STREET: STREET_KEY}
ZINE = b"# How to look after a solar battery\n\nKeep it cool, and never below a third.\n"
RAW_HEADER = b"HEDGEROW\x01"


def run_of(key: NodeKey, scope: Scope, records: Sequence[Record]) -> tuple[Run, Frontier]:
    """Return a log from its first record on, and the frontier of a node that holds it whole."""
    log = log_id(key.public_key, 0, scope)
    head = heads(first_head(log), records)[-1]
    checkpoint = Checkpoint.sign(key, log, 0, len(records), head)
    return Run(log, 0, tuple(records), 0, checkpoint.signature), Frontier(scope, {log: Reach(len(records), head)})


def ana_public() -> tuple[Run, Frontier]:
    notice = Record.new([100, 1_760_000_000], "Seeds to swap on Sunday", bytes(16))
    taken_back = Record.new([100, 1_760_000_060], "A slip of the tongue", bytes([7]) * 16).without_text()
    return run_of(ANA, PUBLIC, [Opening(ANA.public_key, 0, PUBLIC).record(1_760_000_000), notice, taken_back])


def ana_street() -> tuple[Run, Frontier]:
    opening = Opening(ANA.public_key, 0, STREET, right=Founding(NONCE))
    payment = Record.new([16, 1_760_000_120, b"ben", 30], "two loaves, rye", bytes([9]) * 16)
    return run_of(ANA, STREET, [opening.record(1_760_000_000), payment])


def written_by(key: NodeKey, fill: Callable[[BundleWriter], object], version: int = 1) -> bytes:
    """Return the whole bundle that `fill` filled."""
    file = BytesIO()
    writer = BundleWriter(file, key, KEYS, version=version)
    fill(writer)
    writer.close()
    return file.getvalue()


def nothing(_: BundleWriter) -> None:
    """Leave the bundle empty."""


def public_things(writer: BundleWriter) -> None:
    run, frontier = ana_public()
    writer.frontier(ANA.node_id, frontier)
    writer.frontier(BEN.node_id, Frontier(PUBLIC))
    writer.runs(PUBLIC, [run])
    writer.blob(digest(ZINE), len(ZINE), BytesIO(ZINE))
    writer.blob(digest(b""), 0, BytesIO())


def street_things(writer: BundleWriter) -> None:
    run, frontier = ana_street()
    writer.frontier(ANA.node_id, frontier)
    writer.runs(STREET, [run])
    writer.blob(digest(ZINE), len(ZINE), BytesIO(ZINE), STREET)


def a_call(age: int = 3, level: Level = Level.DANGER, words: str = "fire at number 12") -> Distress:
    caller = Caller(node_handle(ANA.node_id), 1)
    return Distress(age, caller, 1, level, 240, 1_760_000_000, words).signed(ANA, STREET)


def calls(writer: BundleWriter) -> None:
    writer.calls(CallsFrame(STREET, 1_760_000_180, (a_call(), a_call(level=Level.OVER, words=""))))
    street_things(writer)


def many_lots(writer: BundleWriter) -> None:
    """Fill some forty frames, in clear and sealed: two lots of 16 and what is left."""
    public_things(writer)
    for number in range(16):
        writer.blob(digest(bytes([number])), 1, BytesIO(bytes([number])))
    street_things(writer)
    for number in range(16):
        writer.frontier(NodeId(bytes([number]) * 16), Frontier(PUBLIC))


def read_until_fault(bundle: bytes, keys: Mapping[Scope, EpochKey] = KEYS) -> tuple[list[Frame], PeerFault | None]:
    """Return the frames that a reader handed over, and the fault that then ended it, if any."""
    frames: list[Frame] = []
    try:
        frames.extend(read_bundle(BytesIO(bundle), keys))  # keeps what came before a fault
    except PeerFault as fault:
        return frames, fault
    return frames, None


def things_of_others(writer: BundleWriter) -> None:
    """What Cara, who is no member of the street, hands on of Ana's bundle."""
    for frame in BundleReader(BytesIO(written_by(ANA, street_things)), {}):
        assert isinstance(frame, SealedFrame)
        writer.sealed(frame)


def frame_of(kind: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + bytes([kind]) + payload


def stamped(key: NodeKey, body: bytes) -> bytes:
    """Sign a prefix of a bundle by the words of the format page, without the writer that is under test."""
    return body + frame_of(5, key.sign(BUNDLE_DOMAIN, digest(body)))


def ended(key: NodeKey, body: bytes, frames: int) -> bytes:
    return stamped(key, body + frame_of(6, frames.to_bytes(8, "big") + len(body).to_bytes(8, "big")))


def raw(*frames: tuple[int, bytes], key: NodeKey = ANA) -> bytes:
    """Return a well-stamped bundle of one lot, whatever the frames hold."""
    body = RAW_HEADER + key.public_key + b"".join(frame_of(kind, payload) for kind, payload in frames)
    return ended(key, body, len(frames))


def run_payload(**changes: Any) -> bytes:
    run = ana_public()[0]
    parts = {"log": run.log, "after": 0, "records": [record.parts() for record in run.records], "previous": 0}
    return canonical.encode([canonical.encode([*(parts | {"signature": run.signature} | changes).values()])])


def piece(size: int, offset: int, content: bytes, blob: bytes = digest(ZINE)) -> bytes:
    return blob + size.to_bytes(8, "big") + offset.to_bytes(8, "big") + content


def sealed_by_ana(number: int = 1, content: bytes = b"\x03" + piece(len(ZINE), 0, ZINE)) -> bytes:
    return Seal(STREET, STREET_KEY).seal(ANA, number, content).raw


def renumbered() -> bytes:
    """Ana seals under one number and signs under another: the signature holds, the seal does not."""
    first = sealed_by_ana()
    second = first[: HEAD_SIZE - 1] + b"\x02" + first[HEAD_SIZE:-SIGNATURE_SIZE]
    return second + ANA.sign("hedgerow/sealed/v1", digest(second))


def good() -> Iterator[tuple[str, bytes]]:
    yield "empty", written_by(ANA, nothing)
    yield "public", written_by(ANA, public_things)
    yield "sealed", written_by(ANA, street_things)
    yield "carried", written_by(CARA, things_of_others)
    yield "calls", written_by(ANA, calls, VERSION_WITH_CALLS)
    yield (
        "two-lots",
        ended(ANA, stamped(ANA, raw((3, piece(9, 0, b"half")))[:-90]) + frame_of(3, piece(9, 4, b"other")), 3),
    )


def bad() -> Iterator[tuple[str, str, bytes]]:
    public, street = dict(good())["public"], dict(good())["sealed"]
    opened = RAW_HEADER + ANA.public_key
    end = frame_of(6, bytes(15) + b"\x00" + (41).to_bytes(8, "big"))
    zine = frame_of(3, piece(len(ZINE), 0, ZINE))
    height = ana_public()[0].log
    yield "torn-nothing", "TornBundle", b""
    yield "torn-header", "TornBundle", public[:30]
    yield "torn-frame", "TornBundle", public[:100]
    yield "torn-before-stamp", "TornBundle", public[:-69]
    yield "torn-without-end", "TornBundle", stamped(ANA, opened + zine)
    yield "torn-zeros", "TornBundle", stamped(ANA, opened + zine) + bytes(64)
    yield "not-a-bundle", "Malformed", b"PK\x03\x04" + bytes(60)
    yield "version-0", "Malformed", public[:8] + b"\x00" + public[9:]
    yield "version-2", "BadSignature", public[:8] + b"\x02" + public[9:]  # what stamps cover begins with the version
    yield "version-3", "UnknownVersion", public[:8] + b"\x03" + public[9:]
    yield "after-the-end", "Malformed", public + b"\n"
    yield "end-miscounts", "Malformed", ended(ANA, opened + zine, 2)
    yield "end-without-stamp", "Malformed", opened + end + zine
    yield "stamp-on-nothing", "Malformed", stamped(ANA, opened)
    yield "seventeen-loose-frames", "Malformed", stamped(ANA, opened + 17 * zine)
    yield "frame-too-large", "Malformed", opened + (256 * 1024 - 4).to_bytes(4, "big") + b"\x03"
    yield "unknown-kind", "Malformed", raw((7, b""))
    yield "another-writer", "BadSignature", RAW_HEADER + BEN.public_key + public[41:]
    yield "strangers-stamp", "BadSignature", stamped(BEN, opened + zine)
    yield "spliced", "BadSignature", stamped(ANA, opened + zine) + street[41:]
    yield "flipped-bit", "BadSignature", public[:200] + bytes([public[200] ^ 1]) + public[201:]
    yield "frontier-unsorted", "Malformed", raw((1, canonical.encode([ANA.node_id, [[bytes(16), 1], [bytes(16), 2]]])))
    yield "frontier-zero", "Malformed", raw((1, canonical.encode([ANA.node_id, [[height, 0]]])))
    yield "runs-none", "Malformed", raw((2, canonical.encode([])))
    yield "runs-not-canonical", "Malformed", raw((2, b"\x98\x01" + canonical.encode(encode_run(ana_public()[0]))))
    yield "run-without-records", "Malformed", raw((2, run_payload(records=[])))
    yield "run-below-its-checkpoint", "Malformed", raw((2, run_payload(previous=3)))
    yield "piece-too-large", "Malformed", raw((3, piece(2**20, 0, bytes(192 * 1024 + 1))))
    yield "piece-outside", "Malformed", raw((3, piece(9, 5, b"other")))
    yield "piece-of-nothing", "Malformed", raw((3, piece(9, 0, b"")))
    yield "sealed-too-short", "Malformed", raw((4, sealed_by_ana()[:136]))
    yield "sealed-unsigned", "BadSignature", raw((4, sealed_by_ana()[:-1] + b"\x00"))
    yield "sealed-elsewhere", "BadSignature", raw((4, renumbered()))
    yield "sealed-unknown-kind", "Malformed", raw((4, sealed_by_ana(content=b"\x05" + bytes(64))))

    yield from bad_calls()


def bad_calls() -> Iterator[tuple[str, str, bytes]]:
    yield "calls-in-clear", "Malformed", raw((7, CallsFrame(STREET, 0, (a_call(),)).payload()))
    yield "calls-none", "Malformed", raw((4, sealed_by_ana(content=b"\x07" + canonical.encode([0, []]))))


@dataclass(frozen=True)
class Outcome:
    """What a reader makes of a file: the frames that it hands over, and the fault it then names, if any."""

    frames: list[dict[str, Any]]
    fault: str | None


def outcome(bundle: bytes, keys: dict[Scope, EpochKey]) -> Outcome:
    frames, fault = read_until_fault(bundle, keys)
    return Outcome([described(frame) for frame in frames], type(fault).__name__ if fault else None)


def described(frame: Frame) -> dict[str, Any]:
    """Return a frame in words that JSON has."""
    match frame:
        case FrontierFrame(scope=scope, holder=holder, heights=heights):
            reached = {written(log): height for log, height in heights.items()}
            return {"kind": "frontier", "scope": written(scope), "holder": written(holder), "heights": reached}
        case RunsFrame(scope=scope, runs=runs):
            return {"kind": "runs", "scope": written(scope), "runs": [encode_run(run).hex() for run in runs]}
        case BlobFrame(scope=scope, blob=blob, size=size, offset=offset, content=content):
            place = {"scope": written(scope), "blob": blob.hex(), "size": size, "offset": offset}
            return {"kind": "blob"} | place | {"content": content.hex()}
        case CallsFrame(scope=scope, at=at, calls=called):
            return {
                "kind": "calls",
                "scope": written(scope),
                "at": at,
                "calls": [call.encode().hex() for call in called],
            }
        case SealedFrame(scope_handle=handle, raw=section):
            return {"kind": "sealed", "handle": written(handle), "raw": section.hex()}


def expected() -> dict[str, Any]:
    """Return the index of the samples: the fault of each, and its frames to a member and to a stranger."""
    samples = dict(good()) | {name: bundle for name, _, bundle in bad()}
    index = {}
    for name, bundle in samples.items():
        member, stranger = outcome(bundle, KEYS), outcome(bundle, {})
        index[name] = {"fault": member.fault, "frames": member.frames}
        if stranger != member:
            index[name] |= {"fault_without_key": stranger.fault, "frames_without_key": stranger.frames}
    return {"epoch_keys": {STREET.hex(): STREET_KEY.hex()}, "bundles": index}


def main(folder: Path) -> None:
    for name, bundle in [*good(), *((name, bundle) for name, _, bundle in bad())]:
        path = folder / f"{name}.hedge"
        if not path.exists():
            path.write_bytes(bundle)
    (folder / "expected.json").write_text(json.dumps(expected(), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
