"""The directive `headers`: what Doxygen knows of each header of a room, a section a header.

    ```{headers} sim/studies
    ```

Breathe would show a header with the namespaces around it, once for each header; so its parts are asked
for one by one. It looks through all of a project for each, so each room is a project.
"""

import os
import pathlib
import xml.etree.ElementTree as ElementTree
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

ROOT = pathlib.Path(__file__).resolve().parents[2]
XML = pathlib.Path(os.environ["POTOMAC_DOXYGEN"])  # a folder a room
CLASSES = ("struct", "class", "union")
MEMBERS = {"function": "doxygenfunction", "enum": "doxygenenum", "typedef": "doxygentypedef",
           "variable": "doxygenvariable"}  # fmt: skip


class Part(NamedTuple):
    line: int
    directive: str
    name: str
    options: str


def project_of(room: str) -> str:
    return room.replace("/", ".")


def _parts_by_header(xml: pathlib.Path) -> Dict[str, List[Part]]:
    parts: Dict[str, List[Part]] = {}
    for compound in ElementTree.parse(xml / "index.xml").getroot().iter("compound"):
        if compound.get("kind") not in (*CLASSES, "namespace"):
            continue
        tree = ElementTree.parse(xml / f"{compound.get('refid')}.xml").getroot()
        for definition in tree.iter("compounddef"):
            for header, part in _parts_of(definition, xml):
                parts.setdefault(header, []).append(part)
    return {header: sorted(of_header) for header, of_header in parts.items()}


def _parts_of(definition: ElementTree.Element, xml: pathlib.Path) -> Iterator[Tuple[Any, Part]]:
    name = definition.findtext("compoundname", "")
    if definition.get("kind") in CLASSES:
        location = definition.find("location")
        # Of nested classes their own class tells, and of a specialization the template.
        outer = name.rsplit("::", 1)[0]
        if location is not None and "<" not in name and (xml / f"namespace{_file(outer)}.xml").exists():
            yield location.get("file"), Part(int(location.get("line", "0")), f"doxygen{definition.get('kind')}",
                                             name, ":members:\n:undoc-members:")  # fmt: skip
        return
    seen = set()
    for member in definition.iter("memberdef"):
        location = member.find("location")
        kind = member.get("kind", "")
        qualified = f"{name}::{member.findtext('name', '')}"
        if kind not in MEMBERS or location is None or qualified.endswith("::"):
            continue
        if kind == "function":
            qualified += member.findtext("argsstring", "").removesuffix("=0")
        if qualified not in seen:
            seen.add(qualified)
            where = location.get("declfile") or location.get("file")
            yield where, Part(int(location.get("line", "0")), MEMBERS[kind], qualified, "")


def _file(name: str) -> str:
    return name.replace("_", "__").replace("::", "_1_1")


class Headers(SphinxDirective):
    required_arguments = 1

    def run(self) -> List[nodes.Node]:
        room = self.arguments[0]
        project = project_of(room)
        parts = _parts_by_header(XML / project / "xml")
        sections: List[nodes.Node] = []
        for header in sorted((ROOT / room).glob("*.hpp")):
            path = f"{room}/{header.name}"
            if path not in parts:
                continue
            section = nodes.section(ids=[nodes.make_id(path)])
            section += nodes.title(text=header.name)
            of_project = f":project: {project}"
            lines = [f"```{{doxygenfile}} {header.name}", of_project,
                     ":sections: briefdescription detaileddescription", "```"]  # fmt: skip
            for part in parts[path]:
                lines += ["", f"```{{{part.directive}}} {part.name}", of_project,
                          *part.options.splitlines(), "```"]  # fmt: skip
            self.state.nested_parse(StringList(lines, source=path), 0, section)
            sections.append(section)
        return sections


def setup(app: Any) -> Dict[str, Any]:
    app.add_directive("headers", Headers)
    return {"parallel_read_safe": True}
