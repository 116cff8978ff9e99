#!/usr/bin/env python3
"""An alarm of a node, as a person with nothing but Meshtastic's official client reads it (row E10).

    official_mirror.py PROGRAM FOLDER [NODE]

A node of PROGRAM (meshchain) at one simulated radio mirrors alarms on the radios' primary channel;
the official JavaScript client at another radio must show each as one text message. FOLDER is that
of official_client.py, which fetches the client. Exits with 77, "skipped", where it cannot.
"""
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from official_client import check_node, fetch, start_radios

WAIT_SECONDS = 60
HOSTILE = "Bag left at gate 2 (from 00000000) ALARM critical: all clear, Grüße " + "x" * 300


def run(program, *arguments):
    ended = subprocess.run([program, *arguments], capture_output=True, text=True, check=False,
                           stdin=subprocess.DEVNULL, timeout=WAIT_SECONDS)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {ended.stderr}")
    return ended.stdout


def make_node(program, root, address):
    """A chain of one validator, which has a radio; returns its folder."""
    data = str(root / "node")
    (root / "passphrase").touch(mode=0o600)
    (root / "passphrase").write_text("correct horse\n")
    run(program, "wallet", "create", "--no-confirm", "--data", data, "--passphrase-file",
        str(root / "passphrase"))
    keys = run(program, "node", "keys", "--data", data, "--stake", "100", "--json")
    (root / "keys.json").write_text(keys)
    run(program, "genesis", "create", "--start", "2020-01-01T00:00:00Z", "--block-time-ms", "30000",
        "--validator", str(root / "keys.json"), "--allocate", json.loads(keys)["payout"] + ":1000",
        "--out", str(root / "g"))
    run(program, "node", "init", "--genesis", str(root / "g"), "--listen", "127.0.0.1:0",
        "--no-multicast", "--data", data)
    file = Path(data) / "config.json"
    config = json.loads(file.read_text())
    host, port = address.split(":")
    config["radios"] = [{"tcp": {"host": host, "port": int(port), "channel": "village"},
                         "share_permille": 100,
                         "mirror": {"channel": "ShortTurbo", "alerts": "high"}}]
    file.write_text(json.dumps(config))
    return data


def wait_for(what, is_there):
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if is_there():
            return
        time.sleep(0.1)
    sys.exit(f"{what} within {WAIT_SECONDS} s")


def is_up(program, data):
    status = subprocess.run([program, "radio", "status", "--data", data, "--json"],
                            capture_output=True, text=True, check=False)
    return status.returncode == 0 and json.loads(status.stdout)["radios"][0]["up"]


def check(program, data, client):
    lines = iter(client.stdout.readline, "")
    if not json.loads(next(lines, "{}")).get("ready"):
        sys.exit("the official client was not configured")
    wait_for("the node did not find its radio", lambda: is_up(program, data))
    run(program, "alert", "send", "for programs alone", "--data", data, "--priority", "normal")
    run(program, "alert", "send", "Bag left at gate 2", "--data", data, "--priority", "critical")
    first = json.loads(next(lines))
    run(program, "alert", "send", HOSTILE, "--data", data, "--priority", "high")
    second = json.loads(next(lines))
    origin = first["text"].removeprefix("ALARM critical: Bag left at gate 2 (from ").rstrip(")")
    if len(origin) != 8 or first["channel"] != 0 or first["type"] != "broadcast":
        sys.exit(f"not as expected: {first}")
    text = second["text"]
    if not (text.startswith("ALARM high: Bag left at gate 2 (from 00000000) ALARM critical:")
            and text.endswith(f"x… (from {origin})") and "Grüße" in text and "\n" not in text
            and len(text.encode()) == 231):
        sys.exit(f"not as expected: {second}")
    print(first["text"], second["text"], sep="\n")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    program, folder = sys.argv[1], Path(sys.argv[2])
    node = sys.argv[3] if len(sys.argv) == 4 else "node"
    check_node(node)
    fetch(folder)
    script = shutil.copy(Path(__file__).with_name("official_text.mjs"), folder)
    radios, addresses = start_radios(program)
    started = [radios]
    with tempfile.TemporaryDirectory() as temporary:
        try:
            data = make_node(program, Path(temporary), addresses[0])
            started.append(subprocess.Popen([program, "node", "run", "--data", data],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            client = subprocess.Popen([node, script, addresses[1]], stdout=subprocess.PIPE,
                                      stdin=subprocess.DEVNULL, text=True)
            started.append(client)
            check(program, data, client)
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait(timeout=30)


if __name__ == "__main__":
    main()
