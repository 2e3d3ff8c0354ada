"""How phones and laptops ask whether there is an internet, and the exact answer that would mean yes. Facts, as data.

Most rows were read in the clients' sources; `certainty` says which were not. HTTPS probes are missing on purpose:
nobody can answer for them here, so the firewall refuses port 443 at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class OnlineAnswer:
    """The answer that a client takes for an open way to the internet."""

    status: int = 204
    body: str = ""
    media_type: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """One client's question. `online` is None where the exact answer is unknown: then the poster is the only answer."""

    client: str
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    online: OnlineAnswer | None
    certainty: str = "source read"


EMPTY: Final = OnlineAnswer()
APPLE: Final = OnlineAnswer(
    200, "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>", "text/html; charset=utf-8"
)
NETWORK_MANAGER: Final = OnlineAnswer(200, "NetworkManager is online\n")
FIREFOX: Final = OnlineAnswer(
    200,
    '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>',
    "text/html; charset=utf-8",
)

PROBES: Final = (
    Probe(
        "Android",
        (
            "connectivitycheck.gstatic.com",
            "clients3.google.com",
            "connectivitycheck.android.com",
            "connectivitycheck.gstatic.cn",
        ),
        ("/generate_204",),
        EMPTY,
    ),
    Probe("Android, fallback", ("www.google.com", "play.googleapis.com"), ("/gen_204", "/generate_204"), EMPTY),
    Probe(
        "GrapheneOS",
        ("connectivitycheck.grapheneos.network", "grapheneos.online"),
        ("/generate_204", "/gen_204"),
        EMPTY,
    ),
    Probe("Samsung", ("d2uzsrnmmf6tds.cloudfront.net",), ("/generate_204",), EMPTY, "reports"),
    Probe(
        "Xiaomi, Huawei, Honor",
        (
            "connect.rom.miui.com",
            "connectivitycheck.platform.hicloud.com",
            "connectivitycheck.platform.hihonorcloud.com",
        ),
        ("/generate_204",),
        EMPTY,
        "lists",
    ),
    Probe(
        "iOS, iPadOS, macOS",
        ("captive.apple.com", "www.apple.com"),
        ("/hotspot-detect.html", "/library/test/success.html"),
        APPLE,
    ),
    Probe(
        "Apple, older hosts",
        ("www.appleiphonecell.com", "www.airport.us", "www.ibook.info", "www.itools.info", "www.thinkdifferent.us"),
        ("/library/test/success.html", "/success.html"),
        APPLE,
    ),
    Probe(
        "Windows 10, 11",
        ("www.msftconnecttest.com", "ipv6.msftconnecttest.com"),
        ("/connecttest.txt",),
        OnlineAnswer(200, "Microsoft Connect Test"),
    ),
    Probe("Windows 7 to 8.1", ("www.msftncsi.com",), ("/ncsi.txt",), OnlineAnswer(200, "Microsoft NCSI")),
    Probe(
        "ChromeOS",
        ("connectivitycheck.gstatic.com", "www.gstatic.com", "safebrowsing.google.com", "www.googleapis.com"),
        ("/generate_204",),
        EMPTY,
    ),
    Probe(
        "Chrome, Edge desktop",
        ("www.gstatic.com", "edge.microsoft.com"),
        ("/generate_204", "/captiveportal/generate_204"),
        EMPTY,
        "lists",
    ),
    Probe("Firefox", ("detectportal.firefox.com",), ("/canonical.html",), FIREFOX),
    Probe(
        "Firefox, older; KaiOS expected",
        ("detectportal.firefox.com",),
        ("/success.txt",),
        OnlineAnswer(200, "success\n"),
        "source read; KaiOS untested",
    ),
    Probe("NetworkManager GNOME", ("nmcheck.gnome.org",), ("/check_network_status.txt",), NETWORK_MANAGER),
    Probe(
        "NetworkManager Fedora", ("fedoraproject.org",), ("/static/hotspot.txt",), OnlineAnswer(200, "OK"), "recalled"
    ),
    Probe("NetworkManager Debian", ("network-test.debian.org",), ("/nm",), NETWORK_MANAGER, "lists"),
    Probe(
        "NetworkManager Ubuntu",
        ("connectivity-check.ubuntu.com",),
        ("/",),
        OnlineAnswer(204, headers=(("X-NetworkManager-Status", "online"),)),
    ),
    Probe("NetworkManager Arch", ("ping.archlinux.org",), ("/nm-check.txt",), NETWORK_MANAGER, "lists"),
    Probe("Fire OS", ("fireoscaptiveportal.com",), ("/generate_204",), EMPTY, "lists"),
    Probe("Kindle", ("spectrum.s3.amazonaws.com",), ("/kindle-wifi/wifistub.html",), None, "partly known"),
)

BY_PLACE: Final = {(host, path): probe for probe in PROBES for host in probe.hosts for path in probe.paths}
