"""The access point's settings: the real hostapd reads them, and they ask of a radio only what it can do."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from appliance import street
from appliance.errors import SettingsFault
from appliance.street import Lack
from appliance.wifi import Wifi
from provisioning import radio
from provisioning.first_boot import give_birth
from provisioning.radio import Radio
from provisioning.street_side import access_point, lay_air
from provisioning.taken import Card
from tests.provisioning.seeds import sow

ELM: Final = Wifi("Elm; Corner", "DE", "bread,and:roses")
OPEN: Final = Wifi("Elm", "US", is_open=True)
PLAIN, ABLE = Radio(), Radio(is_wpa3=True, is_5_ghz=True)
# As `iw phy` prints it: a radio whose driver leaves the talking to programs, and the built-in one of a Pi 4.
TALKS: Final = """Wiphy phy1
	Supported Ciphers:
		* CCMP-128 (00-0f-ac:4)
		* CMAC (00-0f-ac:6)
	Band 1:
		Frequencies:
			* 2437.0 MHz [6] (20.0 dBm)
	Band 2:
		Frequencies:
			* 5180.0 MHz [36] (23.0 dBm)
			* 5260.0 MHz [52] (20.0 dBm) (no IR, radar detection)
	Device supports SAE with AUTHENTICATE command
"""
BUILT_IN: Final = """Wiphy phy0
	Supported Ciphers:
		* CCMP-128 (00-0f-ac:4)
		* CMAC (00-0f-ac:6)
			* 5180 MHz [36] (disabled)
	Supported extended features:
		* [ SAE_OFFLOAD ]: SAE offload support
		* [ SAE_OFFLOAD_AP ]: AP mode SAE authentication offload support
"""


def settings(wifi: Wifi, one: Radio) -> dict[str, str]:
    return dict(line.split("=", 1) for line in access_point(wifi, one).splitlines())


def test_phones_join_by_both_where_the_radio_can_do_it() -> None:
    found = settings(ELM, ABLE)
    assert (found["wpa"], found["wpa_key_mgmt"]) == ("2", "WPA-PSK SAE")
    assert (found["ieee80211w"], found["sae_require_mfp"]) == ("1", "1")


def test_nothing_is_asked_of_a_radio_that_would_fall_silent() -> None:
    for wanted in ("auto", "wpa2", "wpa3"):
        found = settings(Wifi("Elm", "DE", "long enough", security=wanted), PLAIN)
        assert found["wpa_key_mgmt"] == "WPA-PSK"
        assert not {name for name in found if "80211w" in name or "sae" in name}


def test_a_keeper_may_have_one_of_the_two() -> None:
    assert settings(Wifi("Elm", "DE", "long enough", security="wpa2"), ABLE)["wpa_key_mgmt"] == "WPA-PSK"
    found = settings(Wifi("Elm", "DE", "long enough", security="wpa3"), ABLE)
    assert (found["wpa_key_mgmt"], found["ieee80211w"]) == ("SAE", "2")


def test_a_channel_that_the_radio_does_not_know_becomes_one_that_all_know() -> None:
    high = Wifi("Elm", "US", "long enough", channel=44)
    assert [settings(high, one)["hw_mode"] for one in (ABLE, PLAIN)] == ["a", "g"]
    assert [settings(high, one)["channel"] for one in (ABLE, PLAIN)] == ["44", "6"]


def test_what_a_radio_says_of_itself() -> None:
    assert radio.said(TALKS, "mt76x2u") == ABLE
    assert radio.said(TALKS.replace("5180.0 MHz [36] (23.0 dBm)", "5180.0 MHz [36] (disabled)"), "ath9k_htc") == Radio(
        True
    )
    assert radio.said(TALKS.replace("(00-0f-ac:6)", ""), "mt76x2u") == Radio(is_5_ghz=True)
    assert radio.said(BUILT_IN, "brcmfmac") == PLAIN
    assert radio.said(TALKS, "brcmfmac") == Radio(is_5_ghz=True), (
        "what newer kernels say of stations is no word on access points"
    )


def test_a_radio_is_found_by_its_interface(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's files and the program `iw`, the latter played by a script that prints what one printed."""
    place = tmp_path / "sys/class/net/wlan0"
    (place / "phy80211").mkdir(parents=True)
    (place / "phy80211/name").write_text("phy1\n", encoding="ascii")
    (tmp_path / "drivers/mt76x2u").mkdir(parents=True)
    (place / "device").mkdir()
    (place / "device/driver").symlink_to(tmp_path / "drivers/mt76x2u")
    program = tmp_path / "bin/iw"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$*" = "phy phy1 info" ] && cat <<E\n{TALKS}E\n', encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert radio.look("wlan0", tmp_path) == ABLE
    assert radio.look("wlan1", tmp_path) == PLAIN
    program.write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    assert radio.look("wlan0", tmp_path) == PLAIN


def test_what_a_radio_cannot_do_is_told_the_doctor(tmp_path: Path) -> None:
    """Only what was asked by name: who leaves the choice to the node has what they asked for."""
    asked = {"name": "Elm", "country": "US", "passphrase": "long enough", "security": "wpa3", "channel": 44}
    for name, wifi, radio_here, lacks in (
        ("less", asked, PLAIN, {Lack.WPA3, Lack.CHANNEL}),
        ("able", asked, ABLE, set[Lack]()),
        ("auto", {**asked, "security": "auto", "channel": 6}, PLAIN, set[Lack]()),
    ):
        node, into = tmp_path / f"{name}/node", tmp_path / f"run-{name}/hedgerow-access-point"
        into.mkdir(parents=True)
        give_birth(Card(sow(tmp_path / f"seed-{name}", wifi=wifi).parent, node))
        lay_air(node, into, radio_here)
        assert street.look(into.parent).lacks == lacks


def test_a_node_without_wifi_has_no_access_point(tmp_path: Path) -> None:
    node = tmp_path / "data/node"
    give_birth(Card(sow(tmp_path / "seed", wifi=None).parent, node))
    with pytest.raises(SettingsFault, match="names no wifi"):
        lay_air(node, tmp_path, ABLE)


@pytest.mark.real
def test_hostapd_itself_understands_every_line(tmp_path: Path) -> None:
    """Without the air, it starts; and a planted slip is named. All at once, for it waits five seconds for a country's law."""
    odd = (
        Wifi("Ünï ❤", "US", '"p#ss" \\ word', 48),
        *(Wifi("E", "FR", "x" * 63, security=one) for one in ("wpa2", "wpa3")),
    )
    texts = [access_point(wifi, one) for wifi in (ELM, OPEN, *odd) for one in (PLAIN, ABLE)]
    with ExitStack() as stack:
        running = [stack.enter_context(started(tmp_path / f"{number}.conf", text)) for number, text in enumerate(texts)]
        slip = stack.enter_context(started(tmp_path / "slip.conf", texts[0].replace("ap_isolate", "ap_isolated")))
        assert "unknown configuration item 'ap_isolated'" in until_it_runs(slip)
        for one, text in zip(running, texts, strict=True):
            assert "AP-ENABLED" in until_it_runs(one), text


def started(file: Path, text: str) -> subprocess.Popen[str]:
    file.write_text(text.replace("driver=nl80211", "driver=none"), encoding="utf-8")
    return subprocess.Popen(["/usr/sbin/hostapd", file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def until_it_runs(one: subprocess.Popen[str]) -> str:
    """Return what it said until it ran, or ended; end it then."""
    assert one.stdout
    said = ""
    for line in one.stdout:
        said += line
        if "AP-ENABLED" in line:
            one.terminate()
    return said
