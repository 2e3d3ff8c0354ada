"""What happens when two ends of one log do not agree: find the fork, prove it, spread the proof.

Heights that agree while digests differ make neighbours say their heads. Where a head differs, or a run does not fit on what
is held, a probe asks for a run from below; its checkpoint and ours are the proof, which then goes to whoever lacks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf
from typing import Final

from mesh.airform import AirRun, Parcel, log_handle
from mesh.doubts import PROBES_MAX, Doubts, Ground, run_from
from mesh.effects import DeliverForkProof
from mesh.errors import BadSignature, ForkedLog, Malformed, PeerFault
from mesh.holdings import Holdings
from mesh.keys import LogId
from mesh.log import Run
from mesh.outlook import Outlook
from mesh.packet import Delivery, ForkNotice, HeadClaim, Heads, Probe
from mesh.road import Road

PROOF_PAUSE_S: Final = 15.0
PROOF_PACKETS: Final = 8


class Branches:
    """The doubts and proofs of one scope. Times are monotonic seconds."""

    def __init__(self, outlook: Outlook, holdings: Holdings, road: Road, now: float) -> None:
        self._outlook = outlook
        self._holdings = holdings
        self._road = road
        self._doubts = Doubts()
        self._has_grown = False
        self._probed: dict[Ground, float] = {}
        self._proofs_at: dict[LogId, float] = dict.fromkeys(outlook.proofs, now)
        self._proofs_due: dict[LogId, float] = {}

    def __contains__(self, log: LogId) -> bool:
        return log in self._doubts

    # --- what others say

    def hear_heads(self, said: Heads, now: float) -> None:
        """Find logs whose branch differs from ours at our height."""
        for claim in said.claims:
            for log in self._outlook.logs(claim.handle):
                height = self._outlook.frontier.height(log)
                differs = height == claim.height and self._outlook.may_differ(log, height, claim.head)
                if differs and log not in self._doubts:
                    self._doubt(log, height)
        self.bring_proofs((log for claim in said.claims for log in self._outlook.logs(claim.handle)), now)

    def hear_probe(self, probe: Probe, now: float) -> bool:
        """Owe the run that may show where two branches part. Returns whether we would have asked for the same."""
        logs = self._outlook.logs(probe.handle)
        for log in logs:
            if self._outlook.may_differ(log, probe.height, probe.head) and len(self._probed) < PROBES_MAX:
                self._probed.setdefault(Ground(log, probe.ground, probe.height), now + self._road.slot())
        return any(log in self._doubts for log in logs)

    def hear_run(self, log: LogId, after: int) -> None:
        """A run went by: whoever sent it answered the probe."""
        for ground in [ground for ground in self._probed if (ground.log, ground.after) == (log, after)]:
            del self._probed[ground]

    def hear_notice(self, notice: ForkNotice, now: float) -> list[DeliverForkProof]:
        """Take in a proof that is news. Raises `Malformed` where it proves nothing."""
        proof = notice.proof
        log = proof.one.log
        if not proof.one.contradicts(proof.other):
            raise Malformed("these two checkpoints do not contradict each other")
        self._proofs_due.pop(log, None)
        if log in self._outlook.logs(log_handle(log)):
            self._proofs_at[log] = now
        return [] if log in self._outlook.proofs else [DeliverForkProof(proof)]

    def refused(self, run: Run, fault: PeerFault) -> None:
        """The door turned a run away. Where it does not fit on what is held, the log may have two branches."""
        height = self._outlook.frontier.height(run.log)
        if isinstance(fault, BadSignature | ForkedLog) and height and run.log not in self._outlook.proofs:
            self._doubt(run.log, height)

    def _doubt(self, log: LogId, height: int) -> None:
        self._has_grown = self._doubts.deepen(log, height) or self._has_grown

    # --- what this node sees by itself

    def look(self, now: float) -> bool:
        """See what is proven by now. Returns whether there is a new doubt, to ask about at once."""
        for log in self._outlook.proofs:
            self._doubts.drop(log)
            if log not in self._proofs_at:
                self._proofs_due.setdefault(log, now + self._patience())
        has_grown, self._has_grown = self._has_grown, False
        return has_grown and len(self._doubts) > 0

    def bring_proofs(self, logs: Iterable[LogId], now: float) -> None:
        """Where heights agree and digests do not, the other may lack a proof about a log that it holds."""
        for log in logs:
            if log in self._outlook.proofs and now - self._proofs_at.get(log, -inf) > PROOF_PAUSE_S:
                self._proofs_due.setdefault(log, now + self._patience())

    # --- what this node says

    def _patience(self) -> float:
        """Return how long to wait with a proof: all who know it may want to tell it, and it is not urgent."""
        return self._road.slot() + self._road.rng.uniform(0.0, PROOF_PACKETS * self._road.timing.packet)

    def is_due(self, now: float) -> bool:
        """Whether the slot of a proof, or of a run that was probed for, has come."""
        return any(at <= now for at in (*self._proofs_due.values(), *self._probed.values()))

    def answer(self, now: float) -> bytes | None:
        """Return a proof, or the run that was probed for, whose slot has come."""
        for log in [log for log, at in self._proofs_due.items() if at <= now]:
            del self._proofs_due[log]
            self._proofs_at[log] = now
            return ForkNotice(self._outlook.handle, self._road.handle, self._outlook.proofs[log]).encode()
        run = self._probed_run(now)
        if run is None:
            return None
        return Delivery(Parcel(self._outlook.handle, self._road.handle, self._outlook.digest, (run,))).encode()

    def _probed_run(self, now: float) -> AirRun | None:
        for ground, at in sorted(self._probed.items()):
            if at <= now:
                del self._probed[ground]
                run = run_from(ground, self._holdings, self._holdings.epoch_key(self._outlook.scope))
                if run:
                    return run
        return None

    def probes(self) -> list[Probe]:
        """Return what to ask for next, while there are doubts."""
        return [self._probe(ground) for ground in self._doubts.grounds(self._outlook.frontier)]

    def _probe(self, ground: Ground) -> Probe:
        names = (self._outlook.handle, self._road.handle, log_handle(ground.log), self._outlook.head(ground.log))
        return Probe(*names, ground.after, ground.height)

    def heads(self) -> Iterator[Heads]:
        """Yield the heads of all logs, a packet at a time."""
        names = (self._outlook.handle, self._road.handle)
        taken: list[HeadClaim] = []
        for log, height in sorted(self._outlook.heights().items()):
            claim = HeadClaim(log_handle(log), height, self._outlook.head(log))
            if len(Heads(*names, (*taken, claim)).encode()) > self._road.packet_size_max:
                yield Heads(*names, tuple(sorted(taken)))
                taken = []
            taken.append(claim)
        if taken:
            yield Heads(*names, tuple(sorted(taken)))

    def next_wake(self) -> float | None:
        """Return when something may be said, as far as is known."""
        if self._has_grown:
            return -inf
        return min([*self._probed.values(), *self._proofs_due.values()], default=None)
