"""`hedgerow`, where the seconds of a radio pass faster: `python -m tests.street.brisk WORDS`, with the checkout on the path.

A street test has minutes, and a radio at LongFast needs them for a few packets. So the stand-in's air and the engines
that speak on it run `SPEED` times as fast, and the watch over the radio's process waits for shorter. Nothing else is
changed: the processes are those of `hedgerow run`, and so is all that they do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from appliance import cli, processes, roads
from appliance.settings import LoraRoad
from mesh.transports.lora import LoraRadio
from mesh.transports.lora_watch import Patience

SPEED: Final = 20.0
PATIENCE: Final = Patience(start=8.0, ask=1.0, answer=4.0, pause_min=0.2, pause_max=2.0, settle=0.5)


class BriskRadio(LoraRadio):
    """A radio whose watch waits for shorter."""

    def __init__(self, *place: Any, **more: Any) -> None:
        super().__init__(*place, patience=PATIENCE, **more)


def main() -> None:
    """Run the command line of this process, and its children alike."""
    own_command = processes.own_command

    def brisk(data: Path, *words: str) -> list[str]:
        return [__spec__.name if word == cli.__name__ else word for word in own_command(data, *words)]

    processes.own_command = brisk
    vars(roads)["LoraRadio"] = BriskRadio
    LoraRoad.speed = SPEED
    cli.main()


if __name__ == "__main__":
    main()
