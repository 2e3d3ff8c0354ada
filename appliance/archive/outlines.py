"""The `d` of an SVG path as four plain steps: move, line, curve, close (SVG 1.1, 8.3; arcs by its appendix F.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import atan2, ceil, cos, hypot, isfinite, pi, radians, sin, sqrt, tan
from typing import Final, NamedTuple

STEP: Final = re.compile(r"([MmLlHhVvCcSsQqTtAaZz])|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
TAKES: Final = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
STEPS_MAX: Final = 20_000
FLAG_PLACES: Final = (3, 4)  # an arc's flags may be written without a space behind them


class Step(NamedTuple):
    """`kind` is M, L, C or Z; `points` are absolute coordinates: one point, one, three, none."""

    kind: str
    points: tuple[float, ...]


class Unreadable(ValueError):
    """This is no path."""


def outline(d: str) -> list[Step]:
    """Return a path's steps. Raises `Unreadable`."""
    return list(_Walk().steps(d))


class _Walk:
    def __init__(self) -> None:
        self.x = self.y = 0.0
        self.start = (0.0, 0.0)
        self.control: tuple[float, float] | None = None  # of the curve before, for smooth ones
        self.before = ""

    def steps(self, d: str) -> Iterator[Step]:
        for count, (command, numbers) in enumerate(_commands(d)):
            if count == STEPS_MAX:
                raise Unreadable("too long")
            if not all(isfinite(number) and abs(number) < 1e7 for number in numbers):
                raise Unreadable("too large")
            yield from self._step(command.upper(), self._absolute(command, numbers))
            self.before = command.upper()

    def _absolute(self, command: str, numbers: list[float]) -> list[float]:
        kind = command.upper()
        if command == kind:
            return numbers
        if kind == "H":
            return [numbers[0] + self.x]
        if kind == "V":
            return [numbers[0] + self.y]
        if kind == "A":
            return [*numbers[:5], numbers[5] + self.x, numbers[6] + self.y]
        return [number + (self.y if place % 2 else self.x) for place, number in enumerate(numbers)]

    def _step(self, kind: str, at: list[float]) -> Iterator[Step]:
        match kind:
            case "M":
                self.start = (at[0], at[1])
                yield self._to("M", *at)
            case "L" | "H" | "V":
                x, y = {"L": at, "H": [*at, self.y], "V": [self.x, *at]}[kind]
                yield self._to("L", x, y)
            case "C":
                yield self._curve(*at)
            case "S":
                yield self._curve(*self._reflected("CS"), *at)
            case "Q":
                yield self._quadratic(*at)
            case "T":
                yield self._quadratic(*self._reflected("QT"), *at)
            case "A":
                yield from self._arc((at[0], at[1]), at[2], bool(at[3]), bool(at[4]), (at[5], at[6]))
            case "Z":
                self.x, self.y = self.start
                yield Step("Z", ())

    def _to(self, kind: str, x: float, y: float) -> Step:
        self.x, self.y = x, y
        return Step(kind, (x, y))

    def _curve(self, *points: float) -> Step:
        self.control = (points[2], points[3])
        self.x, self.y = points[4], points[5]
        return Step("C", points)

    def _quadratic(self, cx: float, cy: float, x: float, y: float) -> Step:
        first = (self.x + 2 / 3 * (cx - self.x), self.y + 2 / 3 * (cy - self.y))
        step = self._curve(*first, x + 2 / 3 * (cx - x), y + 2 / 3 * (cy - y), x, y)
        self.control = (cx, cy)
        return step

    def _reflected(self, kinds: str) -> tuple[float, float]:
        if self.control is None or self.before not in kinds:
            return self.x, self.y
        return 2 * self.x - self.control[0], 2 * self.y - self.control[1]

    def _arc(
        self, radii: tuple[float, float], turn: float, large: bool, sweep: bool, end: tuple[float, float]
    ) -> Iterator[Step]:
        rx, ry = abs(radii[0]), abs(radii[1])
        if rx == 0 or ry == 0 or end == (self.x, self.y):
            yield self._to("L", *end)
            return
        for points in _arc_curves((self.x, self.y), (rx, ry), radians(turn), large != sweep, sweep, end):
            yield self._curve(*points)


def _commands(d: str) -> Iterator[tuple[str, list[float]]]:
    """Yield each command with its numbers; one that is left out is the one before, and lines follow a move."""
    command, place = "", 0
    while found := _next(d, place):
        if found[1]:
            command, place = found[1], found.end()
            if command in "Zz":
                yield command, []
                continue
        elif not command or command in "Zz":
            raise Unreadable("numbers without a command")
        numbers: list[float] = []
        while len(numbers) < TAKES[command.upper()]:
            number, place = _number(d, place, command in "Aa" and len(numbers) in FLAG_PLACES)
            numbers.append(number)
        yield command, numbers
        command = {"M": "L", "m": "l"}.get(command, command)


def _next(d: str, place: int) -> re.Match[str] | None:
    while place < len(d) and d[place] in " ,\t\r\n":
        place += 1
    if place == len(d):
        return None
    found = STEP.match(d, place)
    if not found:
        raise Unreadable(f"what is {d[place : place + 8]!r}?")
    return found


def _number(d: str, place: int, is_flag: bool) -> tuple[float, int]:
    found = _next(d, place)
    if not found or found[1]:
        raise Unreadable("a number is missing")
    if is_flag and found[2][0] in "01":
        return float(found[2][0]), found.start() + 1
    return float(found[2]), found.end()


def _arc_curves(
    start: tuple[float, float],
    radii: tuple[float, float],
    turn: float,
    differ: bool,
    sweep: bool,
    end: tuple[float, float],
) -> Iterator[tuple[float, ...]]:
    """Yield Bézier curves of at most a quarter turn each along an elliptical arc. `differ`: large-arc and sweep flags differ."""
    cosine, sine = cos(turn), sin(turn)
    half_x, half_y = (start[0] - end[0]) / 2, (start[1] - end[1]) / 2
    x1, y1 = cosine * half_x + sine * half_y, cosine * half_y - sine * half_x
    grown = max(1.0, hypot(x1 / radii[0], y1 / radii[1]))
    rx, ry = radii[0] * grown, radii[1] * grown
    lack = max(0.0, (rx * ry) ** 2 - (rx * y1) ** 2 - (ry * x1) ** 2)
    factor = sqrt(lack / ((rx * y1) ** 2 + (ry * x1) ** 2)) * (1 if differ else -1)
    cx1, cy1 = factor * rx * y1 / ry, -factor * ry * x1 / rx
    cx = cosine * cx1 - sine * cy1 + (start[0] + end[0]) / 2
    cy = sine * cx1 + cosine * cy1 + (start[1] + end[1]) / 2
    first = atan2((y1 - cy1) / ry, (x1 - cx1) / rx)
    delta = atan2((-y1 - cy1) / ry, (-x1 - cx1) / rx) - first
    delta += 2 * pi * ((delta < 0 and sweep) - (delta > 0 and not sweep))
    count = max(1, ceil(abs(delta) / (pi / 2) - 1e-9))
    for number in range(count):
        a, b = first + delta * number / count, first + delta * (number + 1) / count
        reach = 4 / 3 * tan((b - a) / 4)
        unit = (
            (cos(a) - reach * sin(a), sin(a) + reach * cos(a)),
            (cos(b) + reach * sin(b), sin(b) - reach * cos(b)),
            (cos(b), sin(b)),
        )
        yield tuple(
            edge
            for ux, uy in unit
            for edge in (cx + cosine * rx * ux - sine * ry * uy, cy + sine * rx * ux + cosine * ry * uy)
        )
