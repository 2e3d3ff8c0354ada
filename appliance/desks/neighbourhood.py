"""What a node knows of its neighbours and of the roads to them."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Final

from appliance.ailing import Findings
from appliance.answers import STATES, Ailment, Neighbour, Unwell
from appliance.clock import Clock
from appliance.desks.window import Window
from appliance.introductions import Introduction, Invite
from appliance.settings import Settings
from appliance.store.database import SQLITE, MakeDatabase
from appliance.store.private import HEARD_EVERY_S, AirUse
from mesh.errors import Malformed
from mesh.keys import ID_SIZE, PUBLIC, LogId, NodeId, NodeKey, Scope, unwritten, written

SAID: Final = "states of neighbours"  # the mark


class Neighbourhood(Window):
    def __init__(self, settings: Settings, clock: Clock | None = None, make: MakeDatabase = SQLITE) -> None:
        super().__init__(settings, clock, make)
        self._heard: dict[NodeId, float] = {}

    def peer_holds(
        self, road: str, peer_handle: bytes, scope: Scope, heights: Mapping[LogId, int], is_heard: bool = True
    ) -> None:
        """Note what a neighbour showed to hold. It decides between good and settled, and whether a lost tail came home.

        The last word counts: a neighbour whose card was put back shows less than before, and holds no more than it shows.
        """
        node = self._node_by_handle(peer_handle)
        if node is None or node == self.node_id:
            return
        known = self.private.holds(node)
        news = {log: height for log, height in heights.items() if height != known.get(log, 0)}
        is_due = is_heard and self._is_due(node)
        if news or is_due:
            with self.database.writing():
                if is_heard:
                    self.private.heard(node, road)
                self.private.note_holds(node, scope, news)
        self._reopen_if_whole(scope, heights)

    def _node_by_handle(self, handle: bytes) -> NodeId | None:
        """Return the node whose id begins so. Where several do, the one that was let in; else nobody can tell."""
        bounds = (handle, handle.ljust(ID_SIZE, b"\xff"))
        found = self.database.rows(
            "SELECT node, EXISTS (SELECT 1 FROM admitted WHERE admitted.node = found.node) FROM ("
            " SELECT node FROM log WHERE node BETWEEN ?1 AND ?2 UNION SELECT node FROM peer WHERE node BETWEEN ?1 AND ?2"
            ") found",
            *bounds,
        )
        sure = [node for node, is_admitted in found if is_admitted] or [node for node, _ in found]
        return NodeId(sure[0]) if len(sure) == 1 else None

    def _is_due(self, node: NodeId) -> bool:
        """Whether it is time to write down again that a neighbour was heard."""
        now = self.clock.monotonic()
        due = now - self._heard.get(node, -HEARD_EVERY_S) >= HEARD_EVERY_S
        if due:
            self._heard[node] = now
        return due

    def _reopen_if_whole(self, scope: Scope, heights: Mapping[LogId, int]) -> None:
        """A node that may have lost its tail goes on, in a new incarnation, once it came home and a neighbour shows no more.

        That it came home is proven by checkpoints under this node's own key. A height alone is anybody's word: it can keep
        the node from going on, until the keeper says so, and never make it.
        """
        trouble = self.trouble
        if trouble is None or trouble.code not in ("other_hardware", "behind") or scope != self.commons:
            return
        own = self.own_log(scope)
        is_whole = heights.get(own.log, 0) == own.height >= self.private.height_shown(own.log)
        if is_whole and self.tail_came_home and not self._is_behind(own):
            self.reopen()

    def note_road(self, road: str, up: bool, sentence: str) -> None:
        with self.database.writing():
            self.private.set_road(road, up, sentence)

    def keep_roads(self, names: Collection[str]) -> None:
        """Forget how roads were that node.yaml names no longer, and what an earlier run found on them."""
        with self.database.writing():
            self.unwell_rows.forget()
            self.private.keep_roads(names)

    def note_unwell(self, road: str, found: Findings) -> None:
        """Keep what an engine found wrong between this node and others."""
        stalemates = [f"{handle.hex()} {self._scope_kind(scope)}" for handle, scope in sorted(found.stalemates)]
        with self.database.writing():
            self.unwell_rows.note(road, stalemates, found.faults)

    def unwell(self) -> list[Unwell]:
        """Return what is not well between this node and others, stalemates first."""
        found = [Unwell(road, what, self._who(who, what), count) for road, who, what, count in self.unwell_rows.rows()]
        return sorted(dict.fromkeys(found), key=lambda one: one.what is not Ailment.STALEMATE)

    def _who(self, who: str, what: Ailment) -> str:
        """Name a node where it is known, else leave the address as it is."""
        with suppress(ValueError, Malformed):
            handle = bytes.fromhex(who.partition(" ")[0]) if what is Ailment.STALEMATE else unwritten(who)
            if node := self._node_by_handle(handle):
                return self._neighbour(node, "", "", None).name
        return who.partition(" ")[0]

    @staticmethod
    def _scope_kind(scope: Scope) -> str:
        return "public" if scope == PUBLIC else "commons"

    def note_air(self, uses: Mapping[str, AirUse]) -> None:
        """Add what went over the air: "sent", "heard", and what was sent by priority."""
        with self.database.writing():
            self.private.add_air(self.hour(), uses)

    def note_states(self, states: Mapping[bytes, int]) -> None:
        """Keep what neighbours say of themselves, by their handles."""
        with self.database.writing():
            self.private.set_mark(SAID, json.dumps({handle.hex(): state for handle, state in states.items()}))

    def _state(self, node: NodeId) -> str:
        said = json.loads(self.private.mark(SAID) or "{}")
        return next((STATES.get(state, "") for handle, state in said.items() if node.hex().startswith(handle)), "")

    def hour(self) -> int:
        """Return the hour of uptime."""
        return int(self.clock.monotonic() // 3600)

    # what people ask

    def neighbours(self) -> list[Neighbour]:
        """Return the other nodes, those heard last first."""
        found = [self._neighbour(peer.node, peer.name, peer.road, peer.heard_s) for peer in self.private.peers()]
        silent = self.database.rows(
            "SELECT DISTINCT node FROM log WHERE scope = ? AND node <> ? AND node NOT IN (SELECT node FROM peer)",
            *(self.commons, self.node_id),
        )
        found += [self._neighbour(NodeId(node), "", "", None) for (node,) in silent]
        return sorted(found, key=lambda one: (one.heard_s is None, one.heard_s or 0, one.name))

    def _neighbour(self, node: NodeId, name: str, road: str, heard_s: int | None) -> Neighbour:
        own = [self.own_log(scope) for scope in self.scopes()]
        known = self.database.value("SELECT name FROM node_name WHERE node = ?", node)
        return Neighbour(
            node_id=written(node),
            name=str(known or name or written(node)[:8]),
            road=road,
            heard_s=heard_s,
            holds_ours=all(self.private.height_held(node, log.log) >= log.height for log in own),
            state=self._state(node),
        )

    def node_name(self, node_id: str) -> str:
        """Return what a node calls itself, by its id as it is written."""
        return self._node_name(unwritten(node_id))

    def forked_names(self) -> list[str]:
        """Return the nodes of which two contradicting signatures are held here."""
        rows = self.database.rows("SELECT DISTINCT node FROM fork_proof JOIN log USING (log) ORDER BY node")
        return [self._neighbour(NodeId(node), "", "", None).name for (node,) in rows]

    def introduction(self) -> bytes:
        """Return a file that introduces this node."""
        return Introduction(self.key.public_key, self.settings.name, self.settings.address).write(self.key)

    def add_peer(self, content: bytes) -> Neighbour:
        """Take in the introduction of another node. Raises `Refused`."""
        introduced = Introduction.read(content)
        with self.database.writing():
            self.private.keep_peer(introduced.node, introduced.public_key, introduced.name, introduced.address)
        return self._neighbour(introduced.node, introduced.name, "", None)

    def invite(self) -> bytes:
        """Return a file that lets one new node into the commons: from hand to hand only."""
        key = NodeKey(os.urandom(32))
        with self.database.writing():
            self.private.keep_invite(key.public_key)
        return Invite(self.settings.commons, self.commons, self.commons_key, key, self.introduction()).write()

    def confirm_lost_tail(self) -> None:
        """The keeper's word that nobody will bring what this node lost; it goes on in a new incarnation."""
        if self.trouble and self.trouble.code != "on_trial":  # that passes by itself
            self.reopen()
