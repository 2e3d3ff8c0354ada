"""One section of a settings file, read key by key. A wrong value becomes one sentence: file, key, what is expected."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from appliance.errors import SettingsFault

UNWRITABLE: Final = frozenset({"Cc", "Cs", "Co", "Cn", "Cf", "Zl", "Zp"})
JOINERS: Final = "\u200c\u200d"  # they belong to Persian words and to families of emoji
ADDRESS: Final = re.compile(r"https?://[^\s/?#@]{1,255}/?")
WORD: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
HOST_AND_PORT: Final = re.compile(r"(?:\[[0-9a-fA-F:.]{2,45}\]|[^\s:\[\]]{1,255}):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping within `file`; `name` is the path to it, such as `portal`, and empty at the top."""

    file: Path
    name: str
    values: Mapping[object, object]

    def fault(self, key: str, problem: str) -> SettingsFault:
        """Return the error that says what is wrong with `key` of this section."""
        place = ".".join(part for part in (self.name, key) if part)
        return SettingsFault(f"{self.file}: {place} {problem}")

    def allow(self, *known: str) -> None:
        """Raises `SettingsFault` for the first key that is not `known`, naming the nearest that is."""
        for key in self.values:
            if key not in known:
                near = get_close_matches(str(key)[:64], known, n=1, cutoff=0.0)[0]
                raise self.fault(str(key)[:64], f"is not a setting. Did you mean {near}?")

    def section(self, key: str) -> Section:
        """Return the section under `key`, an empty one where it is left out."""
        return self._as_section(key, {} if self.values.get(key) is None else self.values[key])

    def sections(self, key: str, count_max: int) -> Iterator[Section]:
        """Yield the sections listed under `key`, none where it is left out."""
        listed = [] if self.values.get(key) is None else self.values[key]
        if not isinstance(listed, list) or len(listed) > count_max:
            raise self.fault(key, f"must be a list of at most {count_max} entries, each on a line that begins with `-`")
        for number, entry in enumerate(listed):
            yield self._as_section(f"{key}[{number}]", entry)

    def _as_section(self, key: str, values: object) -> Section:
        if not isinstance(values, dict):
            raise self.fault(key, "must hold settings of its own, indented below it.")
        return Section(self.file, f"{self.name}.{key}" if self.name else key, values)

    def text(self, key: str, default: str | None, length_max: int = 255) -> str:
        """Return a text of one line. Without a `default` it must be there."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self.fault(key, f"must be a text. Put it in quotes: {key}: '{_short(value)}'")
        if value != default and not (0 < len(value) <= length_max and _is_writable(value)):
            raise self.fault(
                key, f"must be one line of 1 to {length_max} letters, with no space at its ends and no hidden sign."
            )
        return value

    def choice(self, key: str, default: str, known: Iterable[str]) -> str:
        """Return one of the `known` names."""
        value = self.text(key, default)
        if value not in known:
            near = get_close_matches(value, list(known), n=1, cutoff=0.0)[0]
            raise self.fault(key, f"cannot be {_short(value)}. Did you mean {near}?")
        return value

    def address(self, key: str, default: str) -> str:
        """Return what a browser opens, without a slash at its end."""
        value = self.text(key, default)
        if value != default and not ADDRESS.fullmatch(value):
            raise self.fault(key, "must be an address such as http://elm-street.local")
        return value.removesuffix("/")

    def host_and_port(self, key: str) -> str:
        """Return `host:port`, an IPv6 host in brackets."""
        value = self.text(key, None)
        match = HOST_AND_PORT.fullmatch(value)
        if not match or not 1 <= int(match[1]) <= 65535:
            raise self.fault(key, "must be a host and a port such as 127.0.0.1:4403")
        return value

    def path_or_place(self, key: str) -> str:
        """Return an absolute path or `host:port`."""
        value = self.text(key, None)
        match = HOST_AND_PORT.fullmatch(value)
        if not value.startswith("/") and not (match and 1 <= int(match[1]) <= 65535):
            raise self.fault(key, "must be a device such as /dev/ttyUSB0, or a host and a port such as 10.0.0.7:4403")
        return value

    def word(self, key: str, default: str, length_max: int) -> str:
        """Return a name of letters without accents, digits, '-' and '_'."""
        value = self.text(key, default, length_max)
        if not WORD.fullmatch(value):
            raise self.fault(key, "must be letters from A to Z, digits, '-' or '_' only.")
        return value

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """Return a whole number from `least` to `most`."""
        value = self._value(key, default)
        if type(value) is not int or not least <= value <= most:
            raise self.fault(key, f"must be a whole number from {least} to {most}, such as {default}.")
        return value

    def number(self, key: str, default: float, least: float, most: float) -> float:
        """Return a number from `least` to `most`."""
        value = self._value(key, default)
        if type(value) not in (int, float) or not least <= value <= most:  # type: ignore[operator] # its type was just asked
            raise self.fault(key, f"must be a number from {least:g} to {most:g}, such as {default:g}.")
        return float(value)  # type: ignore[arg-type] # as above

    def yes_or_no(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._value(key, default)
        if type(value) is not bool:
            raise self.fault(key, "must be true or false.")
        return value

    def _value(self, key: str, default: object) -> object:
        value = self.values.get(key, default)
        if value is None and default is None:
            raise self.fault(key, f"is missing. Add a line such as `{key}: …`.")
        return default if value is None else value


def _is_writable(text: str) -> bool:
    hidden = any(unicodedata.category(sign) in UNWRITABLE and sign not in JOINERS for sign in text)
    return not hidden and text == text.strip()


def _short(value: object) -> str:
    return str(value)[:32]
