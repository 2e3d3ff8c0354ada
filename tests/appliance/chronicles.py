"""Random histories of a street, from one seed each: honest payments, nonsense that was signed all the same, nodes that come
back from old backups while their old logs go on. Whoever delivers them decides in which order they are heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Final

from appliance.kinds import CURRENCY, MEMBER, CurrencyRules, Member, NodeCard, PostCard, ZineCard
from appliance.ledger.transfer import AccountId, Transfer
from mesh import links
from mesh.keys import PUBLIC, Head, digest
from mesh.links import Height
from mesh.log import Run
from mesh.record import Record, RecordId
from tests.appliance.scribes import SALT, Scribe, key_of, stripped

NODES: Final = 4
FLOORS: Final = (0, -5, -20)
UNKNOWN_KIND: Final = 77


class Chronicle:
    """All logs that `steps` random acts led to."""

    def __init__(self, seed: int, steps: int = 60) -> None:
        self.chance = Random(seed)
        self.logs: list[Scribe] = [Scribe.founder()]
        self.logs += [Scribe.invited(key_of(number)) for number in range(2, NODES + 1)]
        self.logs += [Scribe.public(key_of(number)) for number in range(1, NODES + 1)]
        self.paid: list[tuple[RecordId, Transfer]] = []
        self._begin()
        for _ in range(steps):
            act = self.chance.choices(list(ACTS), list(ACTS.values()))[0]
            act(self, self._writer())
        for scribe in self.logs:
            scribe.seal()

    def _begin(self) -> None:
        """Let everybody in, mostly, and let them know what to count in."""
        founder, *others = self.commons()
        for scribe in others:
            if not self._rarely():
                founder.say(links.admit(0, scribe.node))
        founder.seal()
        for scribe in self.commons():
            scribe.member(1, "Ana")
            scribe.member(2, "Ben")
            if not self._rarely() and scribe is not founder:
                scribe.say(links.absorb(0, founder.place()))

    def commons(self) -> list[Scribe]:
        return [scribe for scribe in self.logs if scribe.scope != PUBLIC]

    def deliveries(self, chance: Random) -> Iterator[Run]:
        """Yield runs that together hold every log, each cut at other checkpoints, some twice, some without their texts."""
        for scribe in self.logs:
            cuts = [seal for seal in scribe.seals[:-1] if chance.random() < 0.5]
            yield from scribe.runs([*cuts, scribe.seals[-1]])
            after = chance.randrange(scribe.height)
            yield scribe.run(after, chance.choice([seal for seal in scribe.seals if seal > after]))
            yield stripped(scribe.run(), *self._taken_back(scribe))

    def _taken_back(self, scribe: Scribe) -> set[int]:
        """Return the seqs whose texts that very log takes back."""
        targets = set()
        for record in scribe.records:
            if record.kind == links.WITHDRAW and record.fields()[2] == scribe.log:
                targets.add(record.fields()[3])
        return targets

    # whom a thing happens to

    def _writer(self) -> Scribe:
        """Return who writes next: mostly in the street, and in the newest log of a node, seldom in one that was left behind."""
        scribe = self.chance.choice(self.commons() if self.chance.random() < 0.6 else self.logs)
        newer = [log for log in self.logs if (log.node, log.scope) == (scribe.node, scribe.scope)]
        return newer[-1] if self.chance.random() < 0.8 else scribe

    def _somebody(self) -> AccountId:
        return AccountId(key_of(self.chance.randint(1, NODES)).node_id, self.chance.choice((1, 2, 2, 2, 3)))

    def _own_account(self, scribe: Scribe) -> AccountId:
        return scribe.account(self.chance.choice((1, 1, 1, 1, 2, 3)))

    def _some_place(self, scribe: Scribe) -> Height:
        """Return a place of a log, mostly its end, seldom a branch that nobody wrote."""
        height = scribe.height if self.chance.random() < 0.6 else self.chance.randint(1, scribe.height)
        if self.chance.random() < 0.01:
            return Height(scribe.log, height, Head(bytes(32)))
        return scribe.place(height)

    def _rarely(self) -> bool:
        return self.chance.random() < 0.1

    # what happens

    def _member(self, scribe: Scribe) -> None:
        number = self.chance.randint(1, 3)
        if self._rarely():
            scribe.say(Record.new([MEMBER, 0, number], ["two", "names"], SALT))
        else:
            scribe.say(Member(number, self.chance.choice(("Ana", "Ben", "Cara"))).record(0, SALT))

    def _currency(self, scribe: Scribe) -> None:
        floor = self.chance.choice(FLOORS)
        if self._rarely():
            scribe.say(Record.new([CURRENCY, 0, 1, 0, floor, "kWh"], ["only a name"], SALT))
        else:
            scribe.say(CurrencyRules(self.chance.randint(0, 1), "loaves", 0, floor, "loaves", "").record(0, SALT))

    def _pay(self, scribe: Scribe) -> None:
        payer = self._somebody() if self._rarely() else self._own_account(scribe)
        currency = int(self._rarely())
        amount = 0 if self._rarely() else self.chance.choice((1, 700, 900, 1500))
        self._transfer(scribe, Transfer.simple(payer, self._somebody(), currency, amount))

    def _give_back(self, scribe: Scribe) -> None:
        if self.paid:
            own = [known for known in self.paid if known[1].postings[1].account.node == scribe.node or self._rarely()]
            place, paid = self.chance.choice(own or self.paid)
            self._transfer(scribe, paid.reversed(place))

    def _transfer(self, scribe: Scribe, transfer: Transfer) -> None:
        memo = self.chance.choice(("", "bread"))
        self.paid.append((scribe.say(transfer.record(0, scribe.node, memo, SALT)), transfer))

    def _absorb(self, scribe: Scribe) -> None:
        same = [log for log in self.logs if log.scope == scribe.scope or self.chance.random() < 0.01]
        scribe.say(links.absorb(0, self._some_place(self.chance.choice(same))))

    def _held(self, scribe: Scribe) -> None:
        place = self._some_place(self.chance.choice(self.logs))
        scribe.say(links.held(0, replace(place, height=99) if self._rarely() else place))

    def _withdraw(self, scribe: Scribe) -> None:
        own = [log for log in self.logs if log.node == scribe.node or self._rarely()]
        target = self.chance.choice(own)
        scribe.say(links.withdraw(0, target.log, self.chance.randint(2, target.height + 2)))

    def _admit(self, scribe: Scribe) -> None:
        scribe.say(links.admit(0, key_of(self.chance.randint(2, NODES)).node_id))

    def _say_something(self, scribe: Scribe) -> None:
        title = self.chance.choice(("Bread", "", "Water"))
        zine = ZineCard(digest(title.encode()), 9, "text/plain", title, "", "en", "", "", "", "", ())
        scribe.say(
            self.chance.choice(
                (
                    PostCard("offer", 1, title, "").record(0, SALT),
                    zine.record(0, SALT),
                    NodeCard(title).record(0, SALT),
                    Record.new([16, 0], 7, SALT),
                    Record.new([UNKNOWN_KIND, 0, "from a newer program"]),
                    Record.new([links.ABSORB, 0, "not a height"]),
                )
            )
        )

    def _seal(self, scribe: Scribe) -> None:
        scribe.seal()

    def _come_back(self, scribe: Scribe) -> None:
        """Open the next incarnation on a backup: what stands above it in the old log is a tail that others may hold."""
        newest = [log for log in self.logs if (log.node, log.scope) == (scribe.node, scribe.scope)][-1]
        if newest.opening.incarnation < 2:
            newest.seal()
            self.logs.append(newest.again(None if self._rarely() else newest.place(self.chance.choice(newest.seals))))


ACTS: Final[dict[Callable[[Chronicle, Scribe], None], int]] = {
    Chronicle._member: 3,
    Chronicle._currency: 2,
    Chronicle._pay: 14,
    Chronicle._give_back: 4,
    Chronicle._absorb: 10,
    Chronicle._held: 3,
    Chronicle._withdraw: 4,
    Chronicle._admit: 2,
    Chronicle._say_something: 4,
    Chronicle._seal: 10,
    Chronicle._come_back: 2,
}
