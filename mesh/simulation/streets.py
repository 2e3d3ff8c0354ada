"""Maps of streets: how far everybody is from everybody, what any gossip must spend at least, and maps drawn by chance."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from heapq import heapify, heappop
from math import hypot, pi, sqrt
from typing import Final

from mesh.simulation.dice import Dice
from mesh.simulation.scenario import Link

LOSS_MIN: Final = 0.05
LOSS_MAX: Final = 0.4

Point = tuple[float, float]


def draw(nodes: int, mean_degree: float, dice: Dice, loss: float | None = None) -> list[Link]:
    """Return the links of nodes strewn over a square: near ones hear each other, the nearer the better.

    The loss of a link grows from 0.05 to 0.4 with the square of the distance, or is `loss` everywhere. Parts that would
    be out of reach are joined by the shortest link there is.
    """
    reach = sqrt(mean_degree / (pi * nodes))
    points = [(dice.random(), dice.random()) for _ in range(nodes)]
    near = [
        (_distance(points[one], points[other]), one, other) for one in range(nodes) for other in range(one + 1, nodes)
    ]
    heapify(near)  # most pairs are never looked at
    found: list[Link] = []
    part, parts = list(range(nodes)), nodes
    while near and (near[0][0] <= reach or parts > 1):
        distance, one, other = heappop(near)
        is_bridge = _root(part, one) != _root(part, other)
        if distance > reach and not is_bridge:
            continue
        parts -= is_bridge
        part[_root(part, one)] = _root(part, other)
        found.append(Link(one, other, _loss(distance / reach) if loss is None else loss))
    return found


def _distance(one: Point, other: Point) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])


def _loss(share_of_reach: float) -> float:
    return round(LOSS_MIN + (LOSS_MAX - LOSS_MIN) * min(1.0, share_of_reach) ** 2, 2)


def _root(part: list[int], node: int) -> int:
    while part[node] != node:
        part[node] = part[part[node]]
        node = part[node]
    return node


class Map:
    """Who hears whom."""

    def __init__(self, nodes: int, links: Sequence[Link]) -> None:
        self.near: list[list[int]] = [[] for _ in range(nodes)]
        for link in links:
            self.near[link.one].append(link.other)
            self.near[link.other].append(link.one)

    def hops_from(self, node: int) -> int:
        """Return how many times something must be said at least until the farthest node has heard it from `node`."""
        steps = {node: 0}
        queue = deque([node])
        while queue:
            here = queue.popleft()
            for other in self.near[here]:
                if other not in steps:
                    steps[other] = steps[here] + 1
                    queue.append(other)
        return max(steps.values())

    @property
    def hops(self) -> int:
        """Return the hops between the two that are farthest apart."""
        return max(self.hops_from(node) for node in range(len(self.near)))

    def holds_together(self, without: Collection[int]) -> bool:
        """Whether the others can still reach each other without these nodes."""
        left = {node for node in range(len(self.near)) if node not in without}
        queue = [left.pop()] if left else []
        while queue:
            found = left.intersection(self.near[queue.pop()])
            left -= found
            queue += sorted(found)
        return not left

    def tellings_min(self, node: int) -> int:
        """Return a lower bound on how often news of `node` must be said, by whomever, so that all hear it.

        Once for each hop to the farthest node, and one telling reaches no more listeners than the best heard node has.
        """
        degree = max(len(near) for near in self.near)
        return max(self.hops_from(node), -(-(len(self.near) - 1) // max(1, degree)))
