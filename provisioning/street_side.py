"""The street's side of the network, as the distribution's own programs read it: hostapd's access point, dnsmasq's names.

Names resolve to this node and to nothing else, for five seconds, so that no phone takes a wrong address home; IPv6 names have no
answer, and those by which browsers ask whether they may take their names elsewhere do not exist. The node itself does not ask
here: else its broker beyond a cable would be itself. No phone hears another one, and none is written down: leases lie in
memory, and nothing is logged of them. An address is not tried by a ping before it is given: dnsmasq would wait three seconds for
each phone, one after another, and whoever comes back to the WiFi asks for its own again.
Sources: hostapd.conf and dnsmasq(8) of Debian 13; RFC 8910 (its option 114 is not sent: it needs a certificate the world trusts).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance import seed as seeds
from appliance.errors import SettingsFault
from appliance.street import AIR, Lack
from appliance.wifi import BELOW, CHANNEL, Wifi
from provisioning.radio import Radio
from provisioning.taken import kept_seed, put

INTERFACE: Final = "wlan0"
ADDRESS: Final = "10.77.0.1"
FIRST, LAST, MASK = "10.77.0.20", "10.77.3.250", "255.255.252.0"
TTL_S: Final = 5
LEASE: Final = "12h"  # as long as a phone may stay by its address (webui/captive.py): nobody else has it before
CLIENTS_MAX: Final = 250
LEASES_MAX: Final = 950  # phones that change their hardware address take several

NAMES: Final = f"""interface={INTERFACE}
except-interface=lo
bind-dynamic
no-resolv
no-hosts
no-poll
address=/#/{ADDRESS}
local=/#/
address=/use-application-dns.net/
address=/mask.icloud.com/
address=/mask-h2.icloud.com/
local-ttl={TTL_S}
cache-size=0
dns-forward-max=1
dhcp-range={FIRST},{LAST},{MASK},{LEASE}
dhcp-option=option:router,{ADDRESS}
dhcp-option=option:dns-server,{ADDRESS}
dhcp-authoritative
no-ping
dhcp-lease-max={LEASES_MAX}
dhcp-leasefile=/run/hedgerow-names/leases
dhcp-ignore-names
quiet-dhcp
"""

# Where the keeper lets phones use a cable that leads on. Only while one does are they led here (systemd/lead-on).
INTERNET: Final = f"""port=5300
interface={INTERFACE}
except-interface=lo
bind-dynamic
no-hosts
resolv-file=/run/hedgerow-uplink/resolv.conf
address=/hedge/lan/local/{ADDRESS}
local=/hedge/lan/local/
address=/use-application-dns.net/
address=/mask.icloud.com/
address=/mask-h2.icloud.com/
filter-AAAA
stop-dns-rebind
bogus-priv
local-ttl={TTL_S}
max-ttl={TTL_S}
"""


def access_point(wifi: Wifi, radio: Radio) -> str:
    """Return hostapd's settings for this network on this radio: what the radio cannot do is left out, so that phones can join."""
    channel = CHANNEL if Lack.CHANNEL in lacks(wifi, radio) else wifi.channel
    lines = [
        f"interface={INTERFACE}",
        "driver=nl80211",
        f"ssid2={wifi.name.encode().hex()}",
        "utf8_ssid=1",
        f"country_code={wifi.country}",
        "ieee80211d=1",
        f"hw_mode={'g' if channel in BELOW else 'a'}",
        f"channel={channel}",
        "ieee80211n=1",
        "wmm_enabled=1",
        "ap_isolate=1",
        f"max_num_sta={CLIENTS_MAX}",
        "logger_syslog_level=4",
        "logger_stdout_level=4",
    ]
    return "\n".join(lines + _lock(wifi, radio)) + "\n"


def _lock(wifi: Wifi, radio: Radio) -> list[str]:
    """WPA2 and WPA3 side by side ask protected frames of WPA3 phones alone (WPA3 Specification 3.3, transition mode)."""
    if not wifi.passphrase:
        return []
    lines = ["wpa=2", "rsn_pairwise=CCMP", f"wpa_passphrase={wifi.passphrase}"]
    if wifi.security == "wpa2" or not radio.is_wpa3:
        return [*lines, "wpa_key_mgmt=WPA-PSK"]
    if wifi.security == "wpa3":
        return [*lines, "wpa_key_mgmt=SAE", "ieee80211w=2", "sae_pwe=2"]
    return [*lines, "wpa_key_mgmt=WPA-PSK SAE", "ieee80211w=1", "sae_require_mfp=1", "sae_pwe=2"]


def lacks(wifi: Wifi, radio: Radio) -> list[Lack]:
    """Return what was asked by name, and this radio cannot do."""
    asked = {
        Lack.WPA3: bool(wifi.passphrase) and wifi.security == "wpa3" and not radio.is_wpa3,
        Lack.CHANNEL: wifi.channel not in BELOW and not radio.is_5_ghz,
    }
    return [lack for lack, is_missed in asked.items() if is_missed]


def lay(data: Path, into: Path) -> None:
    """Write the settings of names into the directory `into`, for the node in `data`. Raises `SettingsFault`, `StoreFault`."""
    seed = kept_seed(data)
    put(into / "dnsmasq.conf", NAMES.encode())
    if seed.wifi and seed.wifi.shares_internet:
        put(into / "internet.conf", INTERNET.encode())


def lay_air(data: Path, into: Path, radio: Radio) -> None:
    """Write the access point's settings into `into`, and what the doctor tells of them. Raises `SettingsFault`, `StoreFault`."""
    wifi = kept_seed(data).wifi
    if wifi is None:
        raise SettingsFault(
            f"{seeds.FILE_NAME} names no wifi, so there is no access point. Add it, and start the node again."
        )
    put(into / "hostapd.conf", access_point(wifi, radio).encode())
    put(into / Path(AIR).name, "".join(f"{lack.value}\n" for lack in lacks(wifi, radio)).encode())
