#!/usr/bin/env python3
"""Checks that every include points down the floors of the house (ARCHITECTURE.md).

    check_layers.py [ROOT]      checks the tree
    check_layers.py --self-test feeds the check includes it must refuse, and some it must not
"""
import re
import sys
import tempfile
from pathlib import Path

# The table. A module includes only modules of lower floors, never a neighbour.
FLOORS = {
    "base": 0,
    "crypto": 1, "coding": 1, "runtime": 1,
    "wire": 2, "kv": 2,
    "ledger": 3, "consensus": 3, "mesh": 3, "radio": 3, "trust": 3, "records": 3, "objects": 3,
    "wallet": 3,
    "chain": 4,
    "node": 5,
    "host": 6, "sim": 6,
}
# What stands on top of the house may include any module.
TOPS = ("apps", "bench", "tests", "examples")

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)
LINKED = re.compile(r"\bmeshchain_(\w+)\b|DEPENDS\s+([\w\s]+?)(?=\bLIBS\b|\))")


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".h", ".cpp") and p.is_file())


def includes(path):
    """(line, file) of each include of our own code: those in quotes, or under a module's name."""
    text = path.read_text(encoding="utf-8")
    for found in INCLUDE.finditer(text):
        quote, name = found.groups()
        if quote == '"' or name.split("/")[0] in FLOORS and name.endswith(".h"):
            yield text.count("\n", 0, found.start()) + 1, name


def check_include(root, path, module, name):
    """What is wrong with this include, or nothing."""
    parts = name.split("/")
    if len(parts) < 2 or ".." in parts:
        return "write includes as \"module/file.h\""
    target = parts[0]
    if target not in FLOORS:
        near = (root / name).is_file() or any((root / top / name).is_file() for top in TOPS)
        return None if module is None and near else f"there is no module '{target}'"
    if not (root / "src" / name).is_file():
        return f"src/{name} does not exist"
    if module is None or target == module:
        return None
    if FLOORS[target] > FLOORS[module]:
        return f"points up: {module} is on floor {FLOORS[module]}, {target} on {FLOORS[target]}"
    if FLOORS[target] == FLOORS[module]:
        return f"points sideways: {module} and {target} share floor {FLOORS[module]}"
    return None


def check_links(path, module):
    """The libraries a module links must be lower floors too."""
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    for found in LINKED.finditer(text):
        for target in (found.group(1) or found.group(2) or "").split():
            if target not in FLOORS:
                yield f"links unknown module '{target}'"
            elif target != module and FLOORS[target] >= FLOORS[module]:
                yield f"links {target}, which is not on a lower floor"


def find_cycles(graph):
    """Headers that include each other in a circle; `graph` maps a file to those it includes."""
    done, problems = set(), []

    def walk(name, trail):
        if name in trail:
            circle = trail[trail.index(name):] + [name]
            problems.append("circle of includes: " + " -> ".join(circle))
        elif name not in done:
            for following in graph.get(name, ()):
                walk(following, trail + [name])
            done.add(name)

    for name in sorted(graph):
        walk(name, [])
    return problems


def check_tree(root):
    problems, graph, files = [], {}, 0
    for folder in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        if folder.name not in FLOORS:
            problems.append(f"src/{folder.name}: no floor for this module in tests/check_layers.py")
    for top in ("src", *TOPS):
        for path in sources(root / top) if (root / top).is_dir() else ():
            files += 1
            relative = path.relative_to(root)
            module = relative.parts[1] if top == "src" else None
            if module is not None and module not in FLOORS:
                continue
            for line, name in includes(path):
                wrong = check_include(root, path, module, name)
                if wrong:
                    problems.append(f"{relative}:{line}: \"{name}\" {wrong}")
                elif top == "src" and path.suffix == ".h":
                    graph.setdefault("/".join(relative.parts[1:]), []).append(name)
    for path in sorted((root / "src").glob("*/CMakeLists.txt")):
        if path.parent.name in FLOORS:
            problems += [f"{path.relative_to(root)}: {wrong}"
                         for wrong in check_links(path, path.parent.name)]
    return problems + find_cycles(graph), files


def self_test():
    """Every case is one file, and a part of the complaint it must cause (None: it is allowed)."""
    cases = {
        "upward": ("src/base/a.h", '#include "node/n.h"', "points up"),
        "upward in a test": ("src/wire/a_test.cpp", '#include "node/n.h"', "points up"),
        "upward in angle brackets": ("src/base/a.h", "#include <node/n.h>", "points up"),
        "sideways": ("src/wire/a.cpp", '#include "kv/k.h"', "points sideways"),
        "unknown module": ("src/node/a.h", '#include "attic/k.h"', "no module 'attic'"),
        "no such file": ("src/node/a.h", '#include "kv/gone.h"', "does not exist"),
        "without a module": ("src/node/a.h", '#include "n.h"', "module/file.h"),
        "through the parent": ("src/node/a.h", '#include "../kv/k.h"', "module/file.h"),
        "circle": ("src/node/n.h", '#include "node/m.h"', "circle of includes"),
        "folder without a floor": ("src/attic/a.h", "#pragma once", "no floor"),
        "an app from a module": ("src/node/a.h", '#include "apps/x.h"', "no module 'apps'"),
        "upward link": ("src/wire/CMakeLists.txt", "mesh_module(wire CORE DEPENDS base node)",
                        "links node"),
        "sideways link": ("src/wire/CMakeLists.txt",
                          "mesh_module(wire CORE DEPENDS base LIBS meshchain_kv)", "links kv"),
        "downward": ("src/node/a.h", '#include "kv/k.h"\n#include "node/n.h"', None),
        "downward link": ("src/node/CMakeLists.txt", "mesh_module(node CORE DEPENDS base kv)",
                          None),
        "app": ("apps/x/main.cpp", '#include "node/n.h"\n#include "kv/k.h"', None),
        "bench": ("bench/b.cpp", '#include "kv/k.h"', None),
        "test": ("tests/t.cpp", '#include "node/n.h"', None),
    }
    failures = 0
    for name, (path, text, expected) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for file, content in {"src/kv/k.h": "", "src/node/n.h": "", "src/base/b.h": "",
                                  "src/node/m.h": '#include "node/n.h"', path: text}.items():
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (root / file).write_text(content)
            problems, _ = check_tree(root)
        right = any(expected in p for p in problems) if expected else not problems
        if not right:
            print(f"self-test '{name}': expected {expected or 'nothing'}, got {problems}")
            failures += 1
    print(f"layers self-test: {len(cases)} cases, {failures} wrong")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems, files = check_tree(root)
    for problem in problems:
        print(problem)
    print(f"layers: {files} files, {len(problems)} problems")
    return 1 if problems or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
