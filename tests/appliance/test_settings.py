"""node.yaml: what is written is read again, and every slip gets one sentence that names file, key and remedy."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import SettingsFault
from appliance.settings import (
    FILE_NAME,
    FILE_SIZE_MAX,
    Archive,
    Gossip,
    LoopbackRoad,
    LoraRoad,
    MqttRoad,
    Portal,
    Settings,
    load,
    write,
)

LEAST = "name: Elm Street\ncommons: Elm\n"


def fault_of(data: Path, text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    (data / FILE_NAME).write_bytes(raw)
    with pytest.raises(SettingsFault) as fault:
        load(data)
    return str(fault.value)


def test_two_lines_are_enough(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(LEAST)
    settings = load(tmp_path)
    assert settings == Settings(tmp_path, "Elm Street", "Elm")
    assert settings.address == "http://127.0.0.1:8080"
    assert settings.keel_file == tmp_path.parent / f"{tmp_path.name}.keel"
    assert settings.keel_file.parent != tmp_path


def test_an_ipv6_host_stands_in_brackets_in_the_address(tmp_path: Path) -> None:
    assert Settings(tmp_path, "a", "b", portal=Portal(host="::1", port=81)).address == "http://[::1]:81"


def test_the_address_told_to_people_may_be_another(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(LEAST + "portal: {address: 'http://elm.local/'}")
    assert load(tmp_path).address == "http://elm.local"


names = st.text(st.characters(categories=("L", "N", "P", "S"), include_characters=" "), min_size=1, max_size=64).filter(
    lambda name: name == name.strip()
)
words = st.text("abcdefghij.-_/", min_size=1, max_size=40)
ports = st.integers(1, 65535)
loopbacks = st.builds(
    LoopbackRoad, st.builds("{}:{}".format, st.just("127.0.0.1"), ports), st.sampled_from(["LongFast"])
)
radios = st.builds(
    LoraRoad,
    st.sampled_from(["/dev/ttyUSB0", "10.0.0.7:4403", "[fe80::1]:4403"]),
    st.sampled_from(["LongFast", "ShortTurbo"]),
    st.text("AZaz09-_", min_size=1, max_size=11),
    st.integers(256, 511),
    st.booleans(),
)
brokers = st.builds(MqttRoad, words, ports, words | st.just(""), words | st.just(""), words | st.just(""))


@given(
    name=names,
    commons=names,
    region=st.sampled_from(["EU_868", "US"]),
    portal=st.builds(Portal, words, ports, st.sampled_from(["", "https://elm.local:8443"]), st.integers(1024, 2**30)),
    roads=st.lists(loopbacks | radios | brokers, max_size=8).map(tuple),
    archive=st.builds(
        Archive, st.integers(0, 2**30), st.integers(0, 2**40), st.integers(0, 2**40), st.booleans(), st.booleans()
    ),
    gossip=st.builds(Gossip, st.floats(0, 600)),
    keel=st.none() | st.just(Path("/boot/elm.keel")),
)
def test_what_is_written_is_read_again(**parts) -> None:
    with TemporaryDirectory() as directory:
        settings = Settings(Path(directory), **parts)
        write(settings.data, settings)
        assert load(settings.data) == settings
        assert [file.name for file in settings.data.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("nane: Elm\n", "nane is not a setting. Did you mean name?"),
        (LEAST + "portal: {prt: 80}", "portal.prt is not a setting. Did you mean port?"),
        (LEAST + "roads: [{loopbak: {}}]", "roads[0].loopbak is not a setting. Did you mean loopback?"),
        (LEAST + "roads: [{mqtt: {host: h, usrname: u}}]", "Did you mean username?"),
        (LEAST + "1: x", "1 is not a setting."),
    ],
)
def test_an_unknown_key_names_its_nearest(tmp_path: Path, text: str, named: str) -> None:
    said = fault_of(tmp_path, text)
    assert said.startswith(f"{tmp_path / FILE_NAME}: ")
    assert named in said


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("commons: Elm", "name is missing"),
        ("name: Elm", "commons is missing"),
        ("name: 12\ncommons: Elm", "name must be a text"),
        ("name: no\ncommons: Elm", "name must be a text"),
        ("name: ''\ncommons: Elm", "name must be one line"),
        ("name: ' Elm'\ncommons: Elm", "name must be one line"),
        (f"name: {'x' * 65}\ncommons: Elm", "name must be one line"),
        ('name: "a\\nb"\ncommons: Elm', "name must be one line"),
        ('name: "a\\u202eb"\ncommons: Elm', "name must be one line"),
        (LEAST + "region: EU_869", "region cannot be EU_869. Did you mean EU_868?"),
        (LEAST + "portal: 8080", "portal must hold settings"),
        (LEAST + "portal: {port: 0}", "portal.port must be a whole number from 1 to 65535"),
        (LEAST + "portal: {port: 65536}", "portal.port"),
        (LEAST + "portal: {port: true}", "portal.port"),
        (LEAST + "portal: {port: 80.0}", "portal.port"),
        (LEAST + "portal: {port: '80'}", "portal.port"),
        (LEAST + "portal: {address: elm.local}", "portal.address must be an address"),
        (LEAST + "gossip: {batch_s: .nan}", "gossip.batch_s"),
        (LEAST + "gossip: {batch_s: .inf}", "gossip.batch_s"),
        (LEAST + "gossip: {batch_s: -1}", "gossip.batch_s"),
        (LEAST + "roads: {}", "roads must be a list"),
        (LEAST + "roads: [x]", "roads[0] must hold settings"),
        (LEAST + "roads: [{}]", "roads[0] names one road"),
        (LEAST + "roads: [{loopback: {ether: '127.0.0.1'}}]", "roads[0].loopback.ether must be a host and a port"),
        (LEAST + "roads: [{loopback: {ether: 'h:99999'}}]", "roads[0].loopback.ether"),
        (LEAST + "roads: [{loopback: {ether: 'h:1', preset: Fast}}]", "roads[0].loopback.preset cannot be Fast"),
        (LEAST + "roads: [{lora: {}}]", "roads[0].lora.device is missing"),
        (LEAST + "roads: [{lora: {device: ttyUSB0}}]", "roads[0].lora.device must be a device such as /dev/ttyUSB0"),
        (LEAST + "roads: [{lora: {device: 'h:99999'}}]", "roads[0].lora.device must be"),
        (LEAST + "roads: [{lora: {device: /dev/x, preset: Long}}]", "roads[0].lora.preset cannot be Long"),
        (LEAST + "roads: [{lora: {device: /dev/x, channel: Elm Street}}]", "roads[0].lora.channel must be letters"),
        (LEAST + "roads: [{lora: {device: /dev/x, channel: HedgerowHedge}}]", "roads[0].lora.channel must be one line"),
        (LEAST + "roads: [{lora: {device: /dev/x, port: 1}}]", "roads[0].lora.port must be a whole number from 256"),
        (LEAST + "roads: [{lora: {device: /dev/x, signs: 1}}]", "roads[0].lora.signs must be true or false"),
        (LEAST + "roads: [{lora: {device: /dev/x, chanel: a}}]", "Did you mean channel?"),
        (LEAST + "roads: [{mqtt: {}}]", "roads[0].mqtt.host is missing"),
        (LEAST + "roads:\n" + "- mqtt: {host: h}\n" * 9, "roads must be a list of at most 8"),
    ],
)
def test_a_wrong_value_names_its_key_and_what_is_expected(tmp_path: Path, text: str, key: str) -> None:
    assert key in fault_of(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no settings"),
        ("- a\n", "holds no settings"),
        ("name: a\nname: b\n", "line 2, is not readable: 'name' may stand here only once"),
        ("name: &x a\ncommons: *x\n", "anchors and aliases"),
        ("name: !!python/object:os.system a\n", "tags are not used"),
        ("<<: {name: a}\n", "'<<'"),
        ("[" * 9, "too deeply nested"),
        ("[" * 60_000, "too deeply nested"),
        ("name: 'a\n", "line 2, is not readable"),
        ("portal: {port: 0x_}\n", "is not readable"),
        ("name: 2024-99-99\n", "is not readable"),
        ("{[a]: b}", "is not readable"),
        ("a\0b", "is not readable"),
        (b"name: \xff\n", "is not UTF-8 text at byte 6"),
        ("x" * (FILE_SIZE_MAX + 1), "is over 65536 bytes"),
    ],
)
def test_a_file_that_is_no_settings_file_is_told_so(tmp_path: Path, text: str | bytes, problem: str) -> None:
    assert problem in fault_of(tmp_path, text)


def test_a_directory_without_a_node_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match="hedgerow init"):
        load(tmp_path / "nowhere")


def test_a_pipe_in_the_place_of_the_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE_NAME)
    with pytest.raises(SettingsFault, match="There is no"):
        load(tmp_path)


def test_settings_that_cannot_be_written_say_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsFault, match="cannot be written"):
        write(tmp_path / "nowhere", Settings(tmp_path, "a", "b"))


def answer_to(data: Path) -> str:
    """The sentence for the keeper, or the directory of a node whose settings are in order."""
    try:
        return str(load(data).data)
    except SettingsFault as fault:
        return str(fault)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_settings_or_a_settings_fault(raw: bytes) -> None:
    with TemporaryDirectory() as directory:
        (Path(directory) / FILE_NAME).write_bytes(raw)
        assert answer_to(Path(directory)).startswith(directory)


keys = st.sampled_from(
    ["name", "commons", "region", "portal", "roads", "archive", "gossip", "keel", "x", "- mqtt", "<<"]
)
values = st.sampled_from(
    ["a", "1", "1e400", "0b_", "{}", "[]", "[{}]", "{port: 1}", "no", "~", "*a", "&a b", "! a", "2024-13-01"]
)


@given(st.lists(st.tuples(keys, values), max_size=8))
def test_any_lines_are_settings_or_a_settings_fault(lines: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as directory:
        (Path(directory) / FILE_NAME).write_text("".join(f"{key}: {value}\n" for key, value in lines))
        assert len(answer_to(Path(directory))) < 500
