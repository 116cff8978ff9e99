#!/usr/bin/env python3
"""Checks that docs/features.md is whole and that every claim in it names a proof that exists.

A row is `| id | state | proofs |`. State is shown, partial or none. Proofs stand in backticks: a
test (`Suite.Name`), a ctest of scripts (`layers`), a benchmark (`bench:NAME`) or a file
(`tools/x`).

    check_features.py [ROOT]      checks the tree
    check_features.py --self-test feeds the check tables it must refuse
"""
import re
import sys
import tempfile
from pathlib import Path

ROWS = {"A": 13, "B": 16, "C": 5, "D": 10, "E": 10, "F": 10, "G": 8, "H": 11, "I": 3, "J": 8}
STATES = ("shown", "partial", "none")
TEST = re.compile(r"\b(?:TYPED_TEST|TYPED_TEST_P|TEST|TEST_F|TEST_P|RC_GTEST_PROP|"
                  r"RC_GTEST_FIXTURE_PROP)\s*\(\s*(\w+)\s*,\s*(\w+)")
CTEST = re.compile(r"\badd_test\s*\(\s*NAME\s+([\w.${}-]+)")


def proofs_of(root):
    """Names of all tests in the sources, and the text of all benchmarks."""
    tests, bench = set(), ""
    for top in ("src", "tests", "apps", "bench"):
        for path in sorted((root / top).rglob("*.cpp")):
            text = path.read_text(encoding="utf-8")
            tests |= {f"{suite}.{name}" for suite, name in TEST.findall(text)}
            bench += text if top == "bench" else ""
    for path in (root / "tests").rglob("CMakeLists.txt"):
        tests |= set(CTEST.findall(path.read_text(encoding="utf-8")))
    tests |= {p.stem.removeprefix("check_") for p in (root / "tests").glob("check_*.py")}
    return tests, bench


def exists(root, proof, tests, bench):
    if proof.startswith("bench:"):
        return f'"{proof[6:]}"' in bench
    return proof in tests or "/" in proof and (root / proof).is_file()


def check(root):
    table = root / "docs" / "features.md"
    if not table.is_file():
        return ["docs/features.md is missing"], {}
    problems, states = [], {}
    tests, bench = proofs_of(root)
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1):
        row = re.match(r"\|\s*([A-Z]\d+)\s*\|", line)
        if not row:
            continue
        where, identifier = f"docs/features.md:{number}", row[1]
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 3:
            problems.append(f"{where}: {identifier} has {len(cells)} cells instead of 3")
            continue
        if int(identifier[1:]) not in range(1, ROWS.get(identifier[0], 0) + 1):
            problems.append(f"{where}: there is no feature {identifier}")
        if identifier in states:
            problems.append(f"{where}: {identifier} stands twice")
        state, proofs = cells[1], re.findall(r"`([^`]+)`", cells[2])
        states[identifier] = state
        if state not in STATES:
            problems.append(f"{where}: '{state}' is no state; use {', '.join(STATES)}")
        if state in ("shown", "partial") and not proofs:
            problems.append(f"{where}: {identifier} is {state} but names no test in backticks")
        for proof in proofs:
            if not exists(root, proof, tests, bench):
                problems.append(f"{where}: {identifier} names `{proof}`, which does not exist")
    for letter, count in ROWS.items():
        problems += [f"docs/features.md: {letter}{n} is missing"
                     for n in range(1, count + 1) if f"{letter}{n}" not in states]
    return problems, states


def self_test():
    whole = [f"| {letter}{n} | none | |" for letter, count in ROWS.items()
             for n in range(1, count + 1)]
    cases = {
        "missing row": (whole[1:], "A1 is missing"),
        "row that stands twice": (whole + [whole[0]], "stands twice"),
        "row that nobody asked for": (whole + ["| A14 | none | |"], "no feature A14"),
        "unknown state": (["| A1 | done | |"] + whole[1:], "no state"),
        "claim without proof": (["| A1 | shown | it works |"] + whole[1:], "names no test"),
        "test that does not exist": (["| A1 | shown | `Wire.Gone` |"] + whole[1:],
                                     "`Wire.Gone`, which does not exist"),
        "test in a comment only": (["| A1 | partial | `Wire.Words` |"] + whole[1:],
                                   "does not exist"),
        "benchmark that does not exist": (["| A1 | shown | `bench:gone` |"] + whole[1:],
                                          "does not exist"),
        "file that does not exist": (["| A1 | shown | `tools/gone.sh` |"] + whole[1:],
                                     "does not exist"),
        "broken row": (["| A1 | none |"] + whole[1:], "instead of 3"),
        "all none": (whole, None),
        "proven": (["| A1 | shown | `Wire.Real`, `Wire.Typed`, `bench:real`, `tools/real.sh` |"] +
                   whole[1:], None),
    }
    failures = 0
    for name, (lines, expected) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for path, text in {
                    "docs/features.md": "\n".join(lines),
                    "src/wire/a_test.cpp": "// Wire.Words\nTEST(Wire, Real) {}\n"
                                           "TYPED_TEST(\n    Wire, Typed) {}\n",
                    "bench/a_bench.cpp": 'run("real");\n', "tools/real.sh": ""}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            problems, _ = check(root)
        if not (any(expected in p for p in problems) if expected else not problems):
            print(f"self-test '{name}': expected {expected or 'nothing'}, got {problems}")
            failures += 1
    print(f"features self-test: {len(cases)} cases, {failures} wrong")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    problems, states = check(root)
    for problem in problems:
        print(problem)
    counts = ", ".join(f"{list(states.values()).count(state)} {state}" for state in STATES)
    print(f"features: {counts}; {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
