"""`python -m webui --data DIR`: the portal process of one node, as `hedgerow portal` starts it."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from appliance.errors import SettingsFault, StoreFault
from appliance.node import Node
from webui.wsgi import serve

SETTINGS, STORAGE = 2, 3  # exit codes


def main() -> None:
    """Serve until SIGTERM or SIGINT. Exits with 2 for settings and 3 for storage, after one sentence."""
    parser = argparse.ArgumentParser(prog="hedgerow portal", description="The pages of one node.")
    parser.add_argument("--data", type=Path, required=True, help="the node's data directory")
    data = parser.parse_args().data
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        node = Node.open(data)
        try:
            serve(node, node.settings.host, node.settings.port)
        finally:
            node.close()
    except SettingsFault as fault:
        parser.exit(SETTINGS, f"{fault}\n")
    except StoreFault as fault:
        parser.exit(STORAGE, f"{fault}\n")


if __name__ == "__main__":
    main()
