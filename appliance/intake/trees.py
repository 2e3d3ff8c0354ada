"""XML from strangers: no entity is ever expanded, nothing is ever fetched. The only place that knows defusedxml."""

from __future__ import annotations

import html.entities
import re
from io import BytesIO
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from appliance.errors import Objection, Refused

SVG: Final = "http://www.w3.org/2000/svg"
XLINK: Final = "http://www.w3.org/1999/xlink"
OPS: Final = "http://www.idpf.org/2007/ops"
OPF: Final = "http://www.idpf.org/2007/opf"
DC: Final = "http://purl.org/dc/elements/1.1/"
PREFIXES: Final = {"epub": OPS, "svg": SVG, "xlink": XLINK, "dc": DC, "m": "http://www.w3.org/1998/Math/MathML"}
DEPTH_MAX: Final = 200
NAMED: Final = {name.rstrip(";"): letter for name, letter in html.entities.html5.items() if name.endswith(";")}
SCRIPTS: Final = frozenset(
    ("script", "iframe", "object", "embed", "applet", "form", "foreignObject", "handler", "listener", "set", "animate")
)
LOADS: Final = ("src", "poster", "data", "srcset", "background", "href")
LINKS: Final = frozenset(("a", "area"))
FAR: Final = re.compile(r"\s*(https?:|ftp:|file:|//|javascript:|vbscript:)|\s*data:(?!image/(png|jpeg|gif|webp))", re.I)
HARMFUL: Final = re.compile(r"\s*(javascript:|vbscript:|data:|file:)", re.I)
FAR_STYLE: Final = re.compile(
    r"""@import\s+(?:url\()?\s*["']?\s*(?:https?:|//|ftp:|file:)[^;]*;?"""
    r"""|url\(\s*["']?\s*(?:https?:|//|ftp:|file:|javascript:)[^)]*\)|expression\s*\([^)]*\)|-moz-binding\s*:[^;}]*""",
    re.I,
)


def read(content: bytes) -> Element:
    """Return the tree of `content`. Raises `Refused` where it declares entities or is no XML."""
    parser = DefusedXMLParser(forbid_dtd=False, forbid_entities=True, forbid_external=True)
    parser.entity.update(NAMED)
    try:
        parser.feed(content)
        root: Element = parser.close()
    except DefusedXmlException as fault:
        raise Refused(Objection.FILE_UNPACKS_TOO_LARGE) from fault
    except (ElementTree.ParseError, ValueError, LookupError) as fault:
        raise Refused(Objection.FILE_DAMAGED) from fault
    _check_depth(root)
    return root


def _check_depth(root: Element) -> None:
    level, depth = [root], 0
    while level:
        level, depth = [child for node in level for child in node], depth + 1
        if depth > DEPTH_MAX:
            raise Refused(Objection.FILE_UNPACKS_TOO_LARGE)


def written(root: Element, default: str, head: bytes = b"") -> bytes:
    """Return a tree as XML whose plain names are those of namespace `default`; `head` stands before its first element."""
    for prefix, space in PREFIXES.items():
        if space != default:
            ElementTree.register_namespace(prefix, space)
    ElementTree.register_namespace("", default)
    _name_own_attributes(root, default)
    out = BytesIO()
    ElementTree.ElementTree(root).write(out, encoding="utf-8", xml_declaration=False)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + head + out.getvalue()


def _name_own_attributes(root: Element, default: str) -> None:
    """Attributes have no default namespace (Namespaces in XML, 6.2), which the library forgets."""
    own = f"{{{default}}}"
    for node in root.iter():
        for key in [key for key in node.attrib if key.startswith(own)]:
            node.attrib[f"own:{key.removeprefix(own)}"] = node.attrib.pop(key)
            root.set("xmlns:own", default)


def without_far(style: str) -> str:
    """Return a style sheet that loads nothing from elsewhere."""
    return FAR_STYLE.sub(lambda found: "none" if found[0].lower().startswith("url") else "", style)


def name(node: Element) -> str:
    """Return an element's name without its namespace; "" for a comment."""
    tag: object = node.tag  # a comment's is a function
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def disarm(root: Element) -> set[str]:
    """Take out of a page or a drawing what runs or loads something from elsewhere; return what kinds there were."""
    removed: set[str] = set()
    for parent in list(root.iter()):
        for child in list(parent):
            if name(child) in SCRIPTS or (name(child) == "link" and FAR.match(child.get("href", ""))):
                _drop(parent, child)
                removed.add({"form": "form", "link": "outside"}.get(name(child), "script"))
    for node in root.iter():
        removed |= _disarm_one(node)
    return removed


def _disarm_one(node: Element) -> set[str]:
    removed: set[str] = set()
    for key in list(node.attrib):
        plain, value = key.rpartition("}")[2].lower(), node.attrib[key]
        if plain.startswith("on"):
            removed.add("script")
            del node.attrib[key]
        elif plain == "style" and FAR_STYLE.search(value):
            removed.add("outside")
            del node.attrib[key]
        elif plain in LOADS and (HARMFUL if name(node) in LINKS else FAR).match(value):
            removed.add("script" if "script:" in value.lower() else "outside")
            _unlink(node, key)
    if name(node) == "style" and node.text and FAR_STYLE.search(node.text):
        node.text = without_far(node.text)
        removed.add("outside")
    return removed


def _unlink(node: Element, key: str) -> None:
    """A picture must have a source to be valid, so a picture from elsewhere becomes an empty one."""
    if name(node) == "img" and key == "src":
        node.attrib[key] = "data:image/png;base64," + EMPTY_PICTURE
    else:
        del node.attrib[key]


def _drop(parent: Element, child: Element) -> None:
    """Remove a child, but keep the text behind it."""
    place = list(parent).index(child)
    if child.tail and place:
        before = parent[place - 1]
        before.tail = (before.tail or "") + child.tail
    elif child.tail:
        parent.text = (parent.text or "") + child.tail
    parent.remove(child)


def text(root: Element) -> str:
    """Return the words of a page, without its head's."""
    body = next((node for node in root.iter() if name(node) == "body"), root)
    return " ".join(piece for piece in body.itertext() if piece.strip())


EMPTY_PICTURE: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
