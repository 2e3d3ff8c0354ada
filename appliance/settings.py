"""`node.yaml`: what a keeper decides about one node. The only reader of YAML.

The file is checked as strictly as anything from outside, because a typing slip in it is the likeliest fault of all:
an unknown key is an error that names the nearest known one, and nothing starts before every value was looked at.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

import yaml

from appliance.errors import SettingsFault
from appliance.settings_power import Power, read_power, shown
from appliance.settings_section import Section
from mesh.airtime import PRESETS, REGIONS

FILE_NAME: Final = "node.yaml"
KEY_NAME: Final = "node.key"
FOUNDING: Final = ".founding"  # lies there while a node is being made
KEYS: Final = ("name", "commons", "region", "portal", "roads", "archive", "gossip", "updates", "power", "keel")
FILE_SIZE_MAX: Final = 64 * 1024
DEPTH_MAX: Final = 6
NAME_LENGTH_MAX: Final = 64
ROADS_MAX: Final = 8
CHANNEL_LENGTH_MAX: Final = 11  # what a Meshtastic channel's name may have
MIB: Final = 1024 * 1024
CAROUSEL_LIMIT_MAX: Final = 20_000  # a longer file would keep a radio busy for days


@dataclass(frozen=True, slots=True)
class Portal:
    """Where the pages answer. `address` is what people are told to open; empty means `http://host:port`."""

    host: str = "127.0.0.1"
    port: int = 8080
    address: str = ""
    upload_max_bytes: int = 64 * MIB


@dataclass(frozen=True, slots=True)
class LoopbackRoad:
    """A simulated radio: `ether` is the host:port of the process that plays the air, `speed` how fast its time runs."""

    ether: str
    preset: str = "LongFast"
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class LoraRoad:
    """A Meshtastic radio: `device` is a path such as /dev/ttyUSB0, or host:port. Region is the node's.

    `channel` names the channel that all radios of the street share, `port` is one of Meshtastic's private ones, and
    `signs` says that the radios sign what they send, which leaves 165 bytes of 231 for us.
    """

    device: str
    preset: str = "LongFast"
    channel: str = "Hedgerow"
    port: int = 256
    signs: bool = False

    speed: ClassVar[float] = 1.0  # seconds of a radio are seconds; only a stand-in may be faster


@dataclass(frozen=True, slots=True)
class MqttRoad:
    """A private broker. With `ca_file` the link is TLS; both files are relative to the data directory."""

    host: str
    port: int = 1883
    username: str = ""
    password_file: str = ""
    ca_file: str = ""


Road = LoopbackRoad | LoraRoad | MqttRoad


@dataclass(frozen=True, slots=True)
class Archive:
    """`fetch_limit_bytes`: larger files come only when asked for. Below the floor nothing large is taken in.

    `quota_bytes`: how much all files may take together, and those of one publisher. `shelve_arrivals`: zines from elsewhere
    stand on the shelf at once, without a keeper's word. `fetch_from_neighbours`: wanted files are fetched from the portals of
    neighbour nodes. `carousel_limit_bytes`: texts on the shelf up to this size are played on the radio while the air is idle,
    whoever listens; 0 plays none.
    """

    fetch_limit_bytes: int = 16 * 1024
    free_space_floor_bytes: int = 64 * MIB
    quota_bytes: int = 4096 * MIB
    shelve_arrivals: bool = False
    fetch_from_neighbours: bool = True
    publisher_quota_bytes: int = 512 * MIB
    uploads_per_hour: int = 60
    carousel_limit_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Gossip:
    """`batch_s`: how long payments wait for company under one signature; the first after so long a quiet does not wait."""

    batch_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Updates:
    """`fetch_from_neighbours`: new versions that enough keepers signed come from neighbours' pages too, to lie ready here.
    So it is until a keeper says otherwise on the page of versions (`updates.held`).
    """

    fetch_from_neighbours: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """One node's settings and the places that follow from them."""

    data: Path
    name: str
    commons: str
    region: str = "EU_868"
    portal: Portal = field(default_factory=Portal)
    roads: tuple[Road, ...] = ()
    archive: Archive = field(default_factory=Archive)
    gossip: Gossip = field(default_factory=Gossip)
    updates: Updates = field(default_factory=Updates)
    power: Power | None = None
    keel: Path | None = None

    @property
    def host(self) -> str:
        return self.portal.host

    @property
    def port(self) -> int:
        return self.portal.port

    @property
    def address(self) -> str:
        """What a neighbour types into a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.portal.address or f"http://{host}:{self.port}"

    @property
    def database(self) -> Path:
        return self.data / "hedgerow.db"

    @property
    def blobs(self) -> Path:
        return self.data / "blobs"

    @property
    def rooms(self) -> Path:
        """Where files lie while they are looked into."""
        return self.data / "rooms"

    @property
    def key_file(self) -> Path:
        return self.data / KEY_NAME

    @property
    def keel_file(self) -> Path:
        """The mark that tells whether this data directory was put back: beside the directory, never in it."""
        return self.keel or self.data.parent / f"{self.data.name}.keel"


def is_founded(data: Path) -> bool:
    """Whether a whole node lives in directory `data`: one that was cut off while it was founded is done again."""
    return (data / KEY_NAME).exists() and not (data / FOUNDING).exists()


def load(data: Path) -> Settings:
    """Return the settings of the node in directory `data`. Raises `SettingsFault` with file, key and remedy."""
    data = data.absolute()
    file = data / FILE_NAME
    return read(data, Section(file, "", _parse(file, _content(file))))


def open_section(file: Path) -> Section:
    """Return what stands in another YAML file of ours, read as strictly. Raises `SettingsFault`."""
    return Section(file, "", _parse(file, _content(file)))


def check(settings: Settings) -> None:
    """Raises `SettingsFault` where these settings could be written but not read again."""
    read(settings.data, Section(settings.data / FILE_NAME, "", _plain(settings)))


def write(data: Path, settings: Settings) -> None:
    """Write `node.yaml` whole or not at all. Raises `SettingsFault` where the directory cannot be written."""
    write_file(data / FILE_NAME, settings, {})


def write_file(file: Path, settings: Settings, more: Mapping[object, object], mode: int = 0o644) -> None:
    """Write these settings, and `more` entries beside them, whole or not at all. Raises `SettingsFault`."""
    part = file.with_suffix(".yaml.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode)
        with part.open("w", encoding="utf-8") as target:
            target.write("# One node's settings; an unknown key is an error. Restart the node after a change.\n")
            yaml.safe_dump(_plain(settings) | dict(more), target, sort_keys=False, allow_unicode=True)
            target.flush()
            os.fsync(target.fileno())
        part.replace(file)
    except OSError as fault:
        raise SettingsFault(
            f"{file} cannot be written: {fault.strerror}. Check the card and the owner of the directory."
        ) from fault


def _content(file: Path) -> str:
    try:
        if not file.is_file():
            raise SettingsFault(
                f"There is no {file}. Make a node with `hedgerow init`, or name its directory with --data."
            )
        with file.open("rb") as source:
            raw = source.read(FILE_SIZE_MAX + 1)
    except OSError as fault:
        raise SettingsFault(f"{file} cannot be read: {fault.strerror}. Check who owns it.") from fault
    if len(raw) > FILE_SIZE_MAX:
        raise SettingsFault(
            f"{file} is over {FILE_SIZE_MAX} bytes, so it is no settings file. Put the right one there."
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise SettingsFault(f"{file} is not UTF-8 text at byte {fault.start}. Save it as UTF-8.") from fault


class _StrictLoader(yaml.SafeLoader):
    """Plain YAML: a key stands once in its mapping, and nothing is merged from elsewhere."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge" or str(key.value) in seen:
                raise _refused(f"{str(key.value)[:64]!r} may stand here only once", key.start_mark)
            seen.add(str(key.value))


def _parse(file: Path, text: str) -> dict[object, object]:
    try:
        _refuse_tricks(text)
        values = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader, only stricter)
    except (yaml.YAMLError, ValueError) as fault:
        raise SettingsFault(f"{file}{_place(fault)} is not readable: {_problem(fault)}. Correct that line.") from fault
    if not isinstance(values, dict):
        raise SettingsFault(f"{file} holds no settings. It is a list of lines such as `name: Elm Street`.")
    return values


def _refuse_tricks(text: str) -> None:
    """Look at the events before anything is built, so that neither aliases nor depth can cost memory."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise _refused("anchors and aliases are not used here", event.start_mark)
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag is not None:
            raise _refused("tags are not used here", event.start_mark)
        if depth > DEPTH_MAX:
            raise _refused("too deeply nested", event.start_mark)


def _refused(problem: str, mark: object) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark if isinstance(mark, yaml.Mark) else None)


def _place(fault: Exception) -> str:
    mark = fault.problem_mark if isinstance(fault, yaml.MarkedYAMLError) else None
    return f", line {mark.line + 1}," if mark else ""


def _problem(fault: Exception) -> str:
    return (fault.problem if isinstance(fault, yaml.MarkedYAMLError) else None) or str(fault).splitlines()[0]


def read(data: Path, top: Section) -> Settings:
    """Return the settings that stand in the section `top` for a node in directory `data`. Raises `SettingsFault`."""
    top.allow(*KEYS)
    keel = top.text("keel", "", length_max=4096)
    return Settings(
        data=data,
        name=top.text("name", None, length_max=NAME_LENGTH_MAX),
        commons=top.text("commons", None, length_max=NAME_LENGTH_MAX),
        region=top.choice("region", "EU_868", REGIONS),
        portal=_read_portal(top.section("portal")),
        roads=tuple(_read_road(road) for road in top.sections("roads", ROADS_MAX)),
        archive=_read_archive(top.section("archive")),
        gossip=_read_gossip(top.section("gossip")),
        updates=_read_updates(top.section("updates")),
        power=read_power(top.section("power")),
        keel=data / keel if keel else None,
    )


def _read_portal(section: Section) -> Portal:
    section.allow("host", "port", "address", "upload_max_bytes")
    return Portal(
        host=section.text("host", "127.0.0.1"),
        port=section.whole("port", 8080, 1, 65535),
        address=section.address("address", ""),
        upload_max_bytes=section.whole("upload_max_bytes", 64 * MIB, 1024, 1024 * MIB),
    )


def _read_road(section: Section) -> Road:
    section.allow("loopback", "lora", "mqtt")
    if len(section.values) != 1:
        raise section.fault("", "names one road: `lora`, `mqtt` or `loopback`. Start a new line with `-` for the next.")
    if "loopback" in section.values:
        inner = section.section("loopback")
        inner.allow("ether", "preset", "speed")
        return LoopbackRoad(
            ether=inner.host_and_port("ether"),
            preset=inner.choice("preset", "LongFast", PRESETS),
            speed=inner.number("speed", 1.0, 0.01, 1000.0),
        )
    if "lora" in section.values:
        return _read_lora(section.section("lora"))
    inner = section.section("mqtt")
    inner.allow("host", "port", "username", "password_file", "ca_file")
    return MqttRoad(
        host=inner.text("host", None),
        port=inner.whole("port", 1883, 1, 65535),
        username=inner.text("username", ""),
        password_file=inner.text("password_file", "", length_max=4096),
        ca_file=inner.text("ca_file", "", length_max=4096),
    )


def _read_lora(section: Section) -> LoraRoad:
    section.allow("device", "preset", "channel", "port", "signs")
    return LoraRoad(
        device=section.path_or_place("device"),
        preset=section.choice("preset", "LongFast", PRESETS),
        channel=section.word("channel", "Hedgerow", CHANNEL_LENGTH_MAX),
        port=section.whole("port", 256, 256, 511),
        signs=section.yes_or_no("signs", default=False),
    )


def _read_archive(section: Section) -> Archive:
    section.allow(
        "fetch_limit_bytes",
        "free_space_floor_bytes",
        "quota_bytes",
        "publisher_quota_bytes",
        "uploads_per_hour",
        "shelve_arrivals",
        "fetch_from_neighbours",
        "carousel_limit_bytes",
    )
    return Archive(
        fetch_limit_bytes=section.whole("fetch_limit_bytes", 16 * 1024, 0, 1024 * MIB),
        free_space_floor_bytes=section.whole("free_space_floor_bytes", 64 * MIB, 0, 1024 * 1024 * MIB),
        quota_bytes=section.whole("quota_bytes", 4096 * MIB, 0, 1024 * 1024 * MIB),
        publisher_quota_bytes=section.whole("publisher_quota_bytes", 512 * MIB, 0, 1024 * 1024 * MIB),
        uploads_per_hour=section.whole("uploads_per_hour", 60, 1, 100_000),
        shelve_arrivals=section.yes_or_no("shelve_arrivals", default=False),
        fetch_from_neighbours=section.yes_or_no("fetch_from_neighbours", default=True),
        carousel_limit_bytes=section.whole("carousel_limit_bytes", 0, 0, CAROUSEL_LIMIT_MAX),
    )


def _read_gossip(section: Section) -> Gossip:
    section.allow("batch_s")
    return Gossip(batch_s=section.number("batch_s", 2.0, 0.0, 600.0))


def _read_updates(section: Section) -> Updates:
    section.allow("fetch_from_neighbours")
    return Updates(section.yes_or_no("fetch_from_neighbours", default=False))


def _plain(settings: Settings) -> dict[object, object]:
    """Return the settings as the values that stand in the file; what is empty is left out."""
    plain: dict[object, object] = {"name": settings.name, "commons": settings.commons, "region": settings.region}
    for name in ("portal", "archive", "gossip"):
        plain[name] = _shown(getattr(settings, name))
    plain["roads"] = [{_ROAD_NAMES[type(road)]: _shown(road)} for road in settings.roads]
    plain |= {"updates": _shown(settings.updates)} if settings.updates != Updates() else {}
    plain |= {"power": shown(settings.power)} if settings.power else {}
    return plain | ({"keel": str(settings.keel)} if settings.keel else {})


_ROAD_NAMES: Final[dict[type[Road], str]] = {LoopbackRoad: "loopback", LoraRoad: "lora", MqttRoad: "mqtt"}


def _shown(part: Portal | Archive | Gossip | Updates | Road) -> dict[str, object]:
    return {name: getattr(part, name) for name in part.__slots__ if getattr(part, name) != ""}
