"""A zine for the shelf, and what lies among a node's files."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from appliance.library import Zine, ZineForm
from appliance.node import Node

BREAD: Final = ("# Bröt\n\nFlour, water, salt and a long night. 面包很好吃\n" * 5).encode()


def publish(node: Node, title: str = "Bread", content: bytes = BREAD, name: str = "a.md", **facts: object) -> Zine:
    return node.publish(ZineForm(title, **facts), BytesIO(content), name, None)  # type: ignore[arg-type]  # by name


def files(node: Node) -> list[str]:
    return sorted(path.name for path in node.settings.blobs.iterdir()) if node.settings.blobs.is_dir() else []
