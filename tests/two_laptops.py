#!/usr/bin/env python3
"""Follows docs/guide/two-laptops.md literally: every command of the page, in its order, by two
people in terminals of their own, on two machines that are network namespaces joined by a cable.

    two_laptops.py PROGRAM GUIDE

A block is marked ```sh PERSON [background | until [TEXT]]; a command of the latter kind is given
again until it goes well and shows TEXT. <!-- carry: FILE FROM TO --> hands a file over. What people
would type is typed: passphrases, and the words they were shown.

Skipped (exit code 77) where network namespaces are not permitted. Ends within LIMIT_S.
"""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LIMIT_S = 180
SKIPPED = 77
PEOPLE = {"alice": "10.99.0.1", "bob": "10.99.0.2"}

BLOCK = re.compile(r"```sh (\w+)([^\n]*)\n(.*?)```|<!-- carry: (\S+) (\w+) (\w+) -->", re.S)
ADDRESS = re.compile(r"\bmesh1[02-9ac-hj-np-z]{20,}\b")
# "  1 abandon    13 ability": numbers and words in columns.
WORD = re.compile(r"(?<!\d)(\d{1,2}) ([a-z]{3,8})\b")


def parse(guide):
    """The steps of the page: (person, mode, command) and (file, from, to)."""
    steps = []
    for match in BLOCK.finditer(guide):
        if match[4]:
            steps.append(("carry", match[4], match[5], match[6]))
            continue
        text = match[3].replace("\\\n", " ")
        for command in filter(None, map(str.strip, text.split("\n"))):
            steps.append(("run", match[1], match[2].strip(), re.sub(r"\s+", " ", command)))
    return steps


class Failed(Exception):
    pass


class Person:
    """Somebody with a laptop: a namespace, a folder, a passphrase, and paper."""

    def __init__(self, name, program, root):
        self.name = name
        self.namespace = f"mesh{os.getpid()}{name}"
        self.folder = os.path.join(root, name)
        self.passphrase = f"{name} likes dry bread"
        self.words = {}
        self.address = None
        self.background = []
        os.mkdir(self.folder)
        tools = os.path.join(root, "bin")
        os.makedirs(tools, exist_ok=True)
        link = os.path.join(tools, "meshchain")
        if not os.path.exists(link):
            os.symlink(os.path.abspath(program), link)
        self.environment = dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}",
                                HOME=self.folder, TERM="dumb")

    def words_of(self, command):
        return ["ip", "netns", "exec", self.namespace, "bash", "-c", command]

    def answer(self, prompt):
        """What this person types when the terminal shows `prompt`, or nothing."""
        place = re.search(r"Word (\d+): $", prompt)
        if place:
            return self.words[int(place[1])]
        if re.search(r"written down: $", prompt):
            return ""
        if re.search(r"[Ss]eed phrase[^\n]*: $", prompt):
            return " ".join(self.words[i + 1] for i in range(len(self.words)))
        if re.search(r"([Pp]assphrase[^\n]*|same again): $", prompt):
            return self.passphrase
        return None

    def read_paper(self, seen):
        found = {int(number): word for number, word in WORD.findall(seen)}
        if len(found) in (12, 15, 18, 21, 24) and sorted(found) == list(range(1, len(found) + 1)):
            self.words = found

    def type(self, command, until):
        """Runs it in a terminal of its own; returns exit code and all that was shown."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execvpe("ip", self.words_of(command), self.environment)
        shown, answered = "", 0
        try:
            while time.monotonic() < until:
                if not select.select([terminal], [], [], 0.2)[0]:
                    continue
                try:
                    part = os.read(terminal, 65536)
                except OSError:
                    break
                if not part:
                    break
                shown += part.decode(errors="replace").replace("\r\n", "\n")
                if not self.words:
                    self.read_paper(shown)
                reply = self.answer(shown[answered:])
                if reply is not None:
                    answered = len(shown)
                    os.write(terminal, (reply + "\n").encode())
            else:
                os.kill(pid, signal.SIGKILL)
                raise Failed(f"{self.name}: too slow: {command}\n{shown}")
        finally:
            _, status = os.waitpid(pid, 0)
            os.close(terminal)
        return os.waitstatus_to_exitcode(status), shown

    def start(self, command):
        self.background.append(subprocess.Popen(
            self.words_of("exec " + command), cwd=self.folder, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def lay_cable(people):
    alice, bob = people["alice"], people["bob"]
    for person in people.values():
        ip("netns", "add", person.namespace)
    ip("link", "add", "lan0", "netns", alice.namespace, "type", "veth", "peer", "name", "lan0",
       "netns", bob.namespace)
    for person in people.values():
        for words in (["link", "set", "lo", "up"], ["link", "set", "lan0", "up"],
                      ["addr", "add", PEOPLE[person.name] + "/24", "dev", "lan0"],
                      ["route", "add", "default", "dev", "lan0"]):
            ip("-n", person.namespace, *words)


def clean_up(people):
    for person in people.values():
        for process in person.background:
            if process.poll() is None:
                process.kill()
                process.wait()
        subprocess.run(["ip", "netns", "del", person.namespace], stderr=subprocess.DEVNULL)


def filled_in(command, people):
    for person in people.values():
        placeholder = person.name.upper() + "_ADDRESS"
        if placeholder in command:
            if not person.address:
                raise Failed(f"nobody was shown {placeholder}")
            command = command.replace(placeholder, person.address)
    return command


def follow(steps, people, until):
    for step in steps:
        if step[0] == "carry":
            _, name, giver, taker = step
            shutil.copy(os.path.join(people[giver].folder, name), people[taker].folder)
            continue
        _, name, mode, command = step
        person = people[name]
        command = filled_in(command, people)
        print(f"{name}$ {command}", flush=True)
        if mode == "background":
            person.start(command)
            wait_for_node(person, command, until)
            continue
        while True:
            code, shown = person.type(command, until)
            wanted = mode.removeprefix("until").split()
            pattern = r"\s+".join(map(re.escape, wanted)) + r"(?!\w)"
            if code == 0 and re.search(pattern, shown):
                break
            if not mode or time.monotonic() > until:
                raise Failed(f"{name}: exit code {code}: {command}\n{shown}")
            time.sleep(0.3)
        if not person.address and (address := ADDRESS.search(shown)):
            person.address = address[0]


def wait_for_node(person, command, until):
    """The page says nothing of waiting: a node is there before anybody has typed on."""
    folder = re.search(r"--data (\S+)", command)[1]
    while time.monotonic() < until:
        if person.background[-1].poll() is not None:
            raise Failed(f"{person.name}: ended at once: {command}")
        if person.type(f"meshchain status --data {folder}", until)[0] == 0:
            return
        time.sleep(0.2)


def balance(person, until):
    code, shown = person.type("meshchain wallet balance --json --data " + person.name, until)
    if code != 0:
        raise Failed(shown)
    return json.loads(shown[shown.index("{"):])["final"]


def check_money(people, until):
    """250 came and about 50 went back, by the node's own word, before the last step stops it."""
    for name, low, high in (("bob", 180, 200), ("alice", 780, 800)):
        end = min(until, time.monotonic() + 30)
        while not low <= (final := balance(people[name], until)) <= high:
            if time.monotonic() > end:
                raise Failed(f"{name} has {final}")
            time.sleep(0.3)
        print(f"{name} has {final}")


def main():
    program, guide = sys.argv[1:3]
    with open(guide, encoding="utf-8") as page:
        steps = parse(page.read())
    if len(steps) < 20:
        sys.exit("the guide has hardly any commands; are its blocks marked?")
    until = time.monotonic() + LIMIT_S
    with tempfile.TemporaryDirectory(prefix="two-laptops-") as root:
        people = {name: Person(name, program, root) for name in PEOPLE}
        try:
            try:
                lay_cable(people)
            except (OSError, subprocess.CalledProcessError) as problem:
                reason = getattr(problem, "stdout", b"") or str(problem).encode()
                print("skipped: network namespaces are not permitted here:",
                      reason.decode().strip())
                sys.exit(SKIPPED)
            last = len(steps) - len(PEOPLE)  # each stops the own node
            follow(steps[:last], people, until)
            check_money(people, until)
            follow(steps[last:], people, until)
        except Failed as problem:
            for person in people.values():
                log = os.path.join(person.folder, person.name + ".log")
                if os.path.exists(log):
                    with open(log, encoding="utf-8", errors="replace") as lines:
                        print(f"--- {log}\n" + lines.read()[-3000:])
            sys.exit(f"FAILED: {problem}")
        finally:
            clean_up(people)
    print(f"The guide works: {len(steps)} steps.")


if __name__ == "__main__":
    main()
