#!/usr/bin/env python3
"""Drives radios of ours with Meshtastic's official JavaScript client (official_client.mjs).

    official_client.py PROGRAM FOLDER [NODE]

PROGRAM is meshchain. The client is fetched from npm into FOLDER, once: it is GPL, runs in a process
of its own, and is neither shipped nor needed to build. Exits with 77, which is "skipped", when
there is no Node or the client cannot be fetched.
"""
import json
import shutil
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
NODE_MIN = 18
FETCH_SECONDS = 60
CLIENT_SECONDS = 90
PACKAGES = {"@meshtastic/core": "2.6.7", "@meshtastic/transport-node": "0.0.2"}


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def check_node(node):
    """The client needs a browser's streams, which Node has from 18 on."""
    if shutil.which(node) is None:
        skip(f"there is no {node}; install Node {NODE_MIN} or later to try the official client")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").split(".")[0]) < NODE_MIN:
        skip(f"{node} is {version.stdout.strip()}; the official client needs {NODE_MIN} or later")


def fetch(folder):
    """Once: the last thing written says what the folder holds."""
    done = folder / "fetched.json"
    if done.is_file() and json.loads(done.read_text()) == PACKAGES:
        return
    if shutil.which("npm") is None:
        skip("there is no npm to fetch the official client with")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": PACKAGES}))
    # Scripts of packages are not run: those of these two only refuse npm.
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock",
               "--loglevel=error", "--fetch-retries=1", f"--fetch-timeout={FETCH_SECONDS * 500}"]
    try:
        npm = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                             text=True, timeout=FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        skip(f"npm did not fetch the official client within {FETCH_SECONDS} s")
    if npm.returncode != 0:
        skip("npm cannot fetch the official client: " + (npm.stderr.splitlines() or ["?"])[0])
    done.write_text(json.dumps(PACKAGES))


def start_radios(program):
    """The process, and the addresses of its radios."""
    radios = subprocess.Popen([program, "radio", "simulate", "--listen", "127.0.0.1:0", "--preset",
                               "SHORT_TURBO", "--channel", "village"],
                              stdout=subprocess.PIPE, text=True)
    return radios, [json.loads(radios.stdout.readline())["address"] for _ in range(2)]


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    program, folder = sys.argv[1], Path(sys.argv[2])
    node = sys.argv[3] if len(sys.argv) == 4 else "node"
    check_node(node)
    fetch(folder)
    # Beside the packages, where Node looks for them.
    script = shutil.copy(Path(__file__).with_name("official_client.mjs"), folder)
    radios, addresses = start_radios(program)
    try:
        client = subprocess.run([node, script, *addresses], stdin=subprocess.DEVNULL,
                                timeout=CLIENT_SECONDS, check=False)
    finally:
        radios.terminate()
        ended = radios.wait(timeout=10)
    if ended != 0:
        sys.exit(f"the radios ended with {ended}")
    sys.exit(client.returncode)


if __name__ == "__main__":
    main()
