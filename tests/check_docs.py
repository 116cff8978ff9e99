#!/usr/bin/env python3
"""Checks that every page that is named exists, and that every page is listed in its folder.

    check_docs.py [ROOT]      checks the tree
    check_docs.py --self-test feeds the check what it must refuse
"""
import re
import sys
import tempfile
from pathlib import Path

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
MENTION = re.compile(r"\b(?:docs|tests|tools|cmake|bench)/[\w./-]*\w")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
INDEXED = ("docs/formats", "docs/decisions")


def pages(root):
    return sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")])


def check(root):
    problems = []
    for page in pages(root):
        text, name = page.read_text(encoding="utf-8"), page.relative_to(root)
        for target in LINK.findall(CODE.sub("", text)):
            path = target.split("#")[0]
            if path and not re.match(r"[a-z]+:", path) and not (page.parent / path).exists():
                problems.append(f"{name}: links to {target}, which does not exist")
        for found in re.finditer(r"`((?:src|docs|tests|tools|cmake|bench)/[\w./-]+)`", text):
            if not (root / found[1]).exists():
                problems.append(f"{name}: names `{found[1]}`, which does not exist")
    for source in sorted([*root.glob("src/**/*.h"), *root.glob("src/**/*.cpp")]):
        for found in MENTION.finditer(source.read_text(encoding="utf-8")):
            if found[0].endswith(".md") and not (root / found[0]).is_file():
                problems.append(f"{source.relative_to(root)}: names {found[0]}, "
                                "which does not exist")
    for folder in INDEXED:
        index = root / folder / "README.md"
        listed = LINK.findall(index.read_text(encoding="utf-8")) if index.is_file() else []
        for page in sorted((root / folder).glob("*.md")):
            if page.name != "README.md" and page.name not in listed:
                problems.append(f"{folder}/README.md: does not list {page.name}")
    return problems


def self_test():
    cases = {
        "broken link": ("README.md", "[a](docs/gone.md)", "links to docs/gone.md"),
        "broken picture": ("README.md", "![a](docs/gone.svg)", "links to docs/gone.svg"),
        "broken link in a folder": ("docs/a.md", "[a](formats/gone.md)", "links to"),
        "path that is gone": ("README.md", "see `src/base/gone.h`", "names `src/base/gone.h`"),
        "header that names a lost page": ("src/base/a.h", "// docs/formats/gone.md", "names docs/"),
        "page that no index lists": ("docs/formats/new.md", "", "does not list new.md"),
        "good links": ("README.md", "[a](docs/formats/frame.md#top) [b](https://example.org/) "
                       "[c](#here) `src/base/b.h` `[d](not-a-link.md)`", None),
        "good mention": ("src/base/a.h", "// Format: docs/formats/frame.md.", None),
    }
    failures = 0
    for name, (path, text, expected) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for file, content in {"docs/formats/README.md": "[frame](frame.md)",
                                  "docs/formats/frame.md": "", "src/base/b.h": "",
                                  path: text}.items():
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (root / file).write_text(content, encoding="utf-8")
            problems = check(root)
        if not (any(expected in p for p in problems) if expected else not problems):
            print(f"self-test '{name}': expected {expected or 'nothing'}, got {problems}")
            failures += 1
    print(f"docs self-test: {len(cases)} cases, {failures} wrong")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems = check(root)
    for problem in problems:
        print(problem)
    print(f"docs: {len(pages(root))} pages, {len(problems)} problems")
    return 1 if problems or not pages(root) else 0


if __name__ == "__main__":
    sys.exit(main())
