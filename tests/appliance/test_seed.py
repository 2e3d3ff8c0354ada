"""What a keeper writes is understood, or the sentence says which line to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance import seed as seeds
from appliance.errors import SettingsFault
from appliance.wifi import Wifi
from tests.provisioning.seeds import sow

DATA = Path("/var/lib/hedgerow/node")


def test_a_seed_says_all(tmp_path: Path) -> None:
    seed = seeds.read_whole(sow(tmp_path, portal={"address": "http://elm.lan"}), DATA)
    assert (seed.settings.name, seed.settings.commons, seed.currency) == ("Elm Corner", "Elm Street", "loaves")
    assert (seed.settings.host, seed.settings.port, seed.settings.address) == ("0.0.0.0", 8080, "http://elm.lan")
    assert seed.wifi == Wifi("Elm; Corner", "DE", "bread,and:roses", 6)
    assert seed.keeper == seeds.Keeper("Ana", "471100")
    assert seed.has_secrets


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "oak.invite").write_bytes(b"an invite")
    seed = seeds.read(sow(tmp_path, commons=None, currency=None, invite="oak.invite"), DATA)
    seeds.write(seed, tmp_path / "node.yaml")
    assert seeds.read(tmp_path / "node.yaml", DATA) == seed
    seeds.write(seeds.without_secrets(seed), tmp_path / "node.yaml")
    left = (tmp_path / "node.yaml").read_text(encoding="utf-8")
    assert not any(secret in left for secret in ("bread", "471100", "oak.invite"))
    assert not seeds.read(tmp_path / "node.yaml", DATA).has_secrets


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"wfi": {}}, "wfi is not a setting. Did you mean wifi?"),
        ({"wifi": None}, "wifi is missing"),
        ({"keeper": None}, "keeper is missing"),
        ({"commons": None}, "commons is missing"),
        ({"name": None}, "name is missing"),
        ({"wifi": {"name": "Elm"}}, "wifi.country is missing"),
        ({"wifi": {"name": "Elm", "country": "Germany"}}, "wifi.country must be two capital letters"),
        ({"wifi": {"name": "Elm", "country": "DE", "passphrase": "short"}}, "wifi.passphrase must be 8 to 63"),
        ({"wifi": {"name": "Elm", "country": "DE", "passphrase": "naïve naïve"}}, "wifi.passphrase must be 8 to 63"),
        ({"wifi": {"name": "ü" * 17, "country": "DE"}}, "wifi.name must take at most 32 bytes"),
        ({"wifi": {"name": "Elm", "country": "DE", "channel": 36}}, "wifi.channel cannot be 36 in DE"),
        (
            {"wifi": {"name": "Elm", "country": "DE", "passphrase": "long enough", "open": True}},
            "wifi.open cannot be true beside a passphrase",
        ),
        ({"wifi": {"name": "Elm", "country": "DE", "pass": "x"}}, "wifi.pass is not a setting. Did you mean pass"),
        ({"keeper": {"name": "Ana", "pin": "12"}}, "keeper.pin must be 4 to 12 digits"),
        ({"keeper": {"name": "Ana", "pin": 471100}}, "keeper.pin must be a text"),
        ({"keeper": {"name": "Ana", "pin": "١٢٣٤"}}, "keeper.pin must be 4 to 12 digits"),
        ({"invite": "../node.key"}, "invite must be the name of a file that lies beside"),
        ({"invite": "none.invite"}, "invite must be the name of a file that lies beside"),
        ({"region": "EU_866"}, "region cannot be EU_866. Did you mean"),
        ({"portal": {"prot": 80}}, "portal.prot is not a setting. Did you mean port?"),
    ],
)
def test_a_slip_is_named_with_its_remedy(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsFault) as fault:
        seeds.read_whole(sow(tmp_path, **changed), DATA)
    assert words in str(fault.value)
    assert str(tmp_path) in str(fault.value)


def test_a_node_that_nobody_could_join_is_not_born(tmp_path: Path) -> None:
    file = sow(tmp_path, wifi={"name": "Elm", "country": "DE"})
    for again in (False, True):
        with pytest.raises(SettingsFault, match=r"wifi\.passphrase is missing"):
            seeds.must_be_told(seeds.read(file, DATA), file, again=again)
    file = sow(tmp_path, keeper={"name": "Ana"})
    with pytest.raises(SettingsFault, match=r"keeper\.pin is missing"):
        seeds.must_be_told(seeds.read(file, DATA), file, again=False)
    seeds.must_be_told(seeds.read(file, DATA), file, again=True)
