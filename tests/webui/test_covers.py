"""The shelf with twenty photographs on it, as a phone gets it: all that is sent, to the last cover."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from appliance.node import Node
from tests.webui.browser import launched, visit
from tests.webui.portal import running, settle
from tests.webui.street import publish

pytestmark = pytest.mark.real

LIST_MAX = 60_000  # bytes as sent, pictures and headers too
SHOWN = 20


def photograph(seed: int) -> bytes:
    """A picture as hard to press as any: leaves in wind, each point of another colour."""
    chance = Random(seed)
    grain = Image.frombytes("RGB", (80, 107), chance.randbytes(80 * 107 * 3)).resize(
        (480, 640), Image.Resampling.BICUBIC
    )
    noise = Image.frombytes("RGB", (480, 640), chance.randbytes(480 * 640 * 3))
    out = BytesIO()
    Image.blend(grain, noise, 0.3).save(out, "JPEG", quality=70)
    return out.getvalue()


def test_a_list_of_twenty_zines_with_covers_is_light(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    settle(tmp_path / "node")
    node = Node.open(tmp_path / "node")
    for number in range(SHOWN):
        title = f"Walking along the old hedges, part {number}"
        publish(node, title, photograph(number), f"{number}.jpg", tags=("hedges", "walking"))
    node.close()
    sent: dict[str, int] = {}
    with (
        sync_playwright() as playwright,
        running(tmp_path / "node") as portal,
        visit(launched(playwright), portal.address, viewport={"width": 360, "height": 720}) as page,
    ):
        devtools = page.context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.on("Network.loadingFinished", lambda told: sent.update({told["requestId"]: told["encodedDataLength"]}))
        page.goto("/archive")
        page.locator("ul.zines li").last.scroll_into_view_if_needed()
        covers = page.locator("ul.zines img")
        assert covers.count() == SHOWN
        page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth)")
        page.wait_for_load_state("networkidle")
    with capsys.disabled():
        print(
            f"\n{SHOWN} zines with covers: {len(sent)} answers, {sum(sent.values()):.0f} bytes, the list {max(sent.values()):.0f}"
        )
    assert len(sent) >= SHOWN + 1
    assert sum(sent.values()) <= LIST_MAX
