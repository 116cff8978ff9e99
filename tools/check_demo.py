#!/usr/bin/env python3
"""Checks that what `meshchain demo --once --json` printed is what the demo promises."""
import json
import sys

PROMISES = {
    "nodes": lambda value: value == 5,
    "payments_sent": lambda value: value >= 50,
    "payments_while_down": lambda value: value >= 10,
    "final_height": lambda value: value > 0,
    "tips_equal": lambda value: value is True,
    "supply_conserved": lambda value: value is True,
    "killed_node_caught_up": lambda value: value is True,
    "seconds_to_final_p50": lambda value: 0 < value <= 3.5,
    "seconds_to_final_max": lambda value: value > 0,
}


def main():
    try:
        report = json.load(sys.stdin)
        broken = [name for name, holds in PROMISES.items()
                  if name not in report or not holds(report[name])]
        if report["payments_final"] != report["payments_sent"]:
            broken.append("payments_final")
    except (json.JSONDecodeError, TypeError, KeyError) as error:
        print(f"the demo printed something else than its report: {error}")
        return 1
    for name in broken:
        print(f"demo: {name} is {report.get(name, 'missing')}")
    print(f"demo: {len(PROMISES) + 1 - len(broken)} promises kept, {len(broken)} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
