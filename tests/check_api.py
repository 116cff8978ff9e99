#!/usr/bin/env python3
"""Holds docs/api/openapi.json against a running node: every route is described and every described
one exists, real answers have the described form, routes that need the token refuse whoever has
none, the metrics are what Prometheus reads, events come as they are promised.

    check_api.py PROGRAM [ROOT]
    check_api.py --self-test
"""
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    from jsonschema import Draft202012Validator, RefResolver
    from prometheus_client.parser import text_string_to_metric_families
except ImportError as missing:
    # Debian's packages are for Debian's interpreter, which need not be the first of the path.
    if Path("/usr/bin/python3").exists() and sys.executable != "/usr/bin/python3":
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    sys.exit(f"{missing.name} is missing; run tools/install_dependencies.sh test")

PATIENCE = 60
METHODS = ("get", "post", "put", "delete", "patch")


class Description:
    """An OpenAPI document, and what is wrong with it by itself."""

    def __init__(self, document):
        self.document = document
        self.resolver = RefResolver("", document)
        self.operations = {(method.upper(), path): operation
                           for path, item in document["paths"].items()
                           for method, operation in item.items() if method in METHODS}

    def problems(self):
        found = []
        if self.document.get("openapi") != "3.1.0":
            found.append("openapi is not 3.1.0")
        for reference in set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(self.document))):
            try:
                self.resolver.resolve(reference)
            except Exception:
                found.append(f"{reference} leads nowhere")
        for name, schema in self.document["components"]["schemas"].items():
            try:
                Draft202012Validator.check_schema(schema)
            except Exception as problem:
                found.append(f"schema {name}: {problem}")
        names = [operation.get("operationId") for operation in self.operations.values()]
        found += [f"operationId {n} stands twice or is missing"
                  for n in set(names) if n is None or names.count(n) > 1]
        for (method, path), operation in self.operations.items():
            stated = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            if stated != set(re.findall(r"\{(\w+)\}", path)):
                found.append(f"{method} {path}: its path has other parameters")
        return found

    def is_open(self, key):
        return self.operations[key].get("security") == []

    def answer(self, key, status):
        responses = self.operations[key]["responses"]
        found = responses.get(str(status)) or responses[f"{str(status)[0]}XX"]
        return self.resolver.resolve(found["$ref"])[1] if "$ref" in found else found

    def check(self, key, status, content_type, body):
        """What is wrong with an answer."""
        content = self.answer(key, status)["content"]
        kind = content_type.split(";")[0]
        if kind not in content:
            return [f"is {kind}, described as {', '.join(content)}"]
        if kind != "application/json":
            return []
        validator = Draft202012Validator(content[kind]["schema"], resolver=self.resolver)
        return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}"
                for e in validator.iter_errors(json.loads(body))]


def histogram_problems(family):
    buckets = [sample for sample in family.samples if sample.name.endswith("_bucket")]
    values = [sample.value for sample in buckets]
    count = [sample.value for sample in family.samples if sample.name.endswith("_count")]
    if not buckets or buckets[-1].labels["le"] != "+Inf" or values[-1:] != count:
        return [f"{family.name}: the last bucket is not all there is"]
    return [] if values == sorted(values) else [f"{family.name}: a bucket is smaller than another"]


def metric_problems(text):
    """By the conventions of Prometheus, as promtool checks them."""
    found, series = [], set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        if (kind == "counter") != name.endswith("_total"):
            found.append(f"{name}: _total is for counters, and for all of them")
    for family in text_string_to_metric_families(text):
        if not family.documentation:
            found.append(f"{family.name} has no HELP")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", family.name):
            found.append(f"{family.name} is no good name")
        if family.type not in ("counter", "gauge", "histogram"):
            found.append(f"{family.name} has no type")
        if family.type == "histogram":
            found += histogram_problems(family)
        if re.search(r"_(ms|milliseconds|percent|kib|kb|mb)(_|$)", family.name):
            found.append(f"{family.name} is in no base unit")
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in series:
                found.append(f"{key} stands twice")
            series.add(key)
    return found if series else ["no metric at all"]


class Node:
    """The only validator of a chain with slots of 200 ms, with a wallet that owns its coin."""

    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)
        self.data = self.folder / "alice"
        (self.folder / "passphrase").write_text("correct horse\n", encoding="utf-8")
        (self.folder / "passphrase").chmod(0o600)
        secret = str(self.folder / "passphrase")
        self.run("wallet", "create", "--no-confirm", "--data", self.data, "--passphrase-file",
                 secret)
        keys = self.run("node", "keys", "--data", self.data, "--stake", "100", "--json")
        (self.folder / "alice.json").write_text(keys, encoding="utf-8")
        # Young, so that all is FINAL in the first epoch: nothing later is proven to strangers.
        start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5))
        self.run("genesis", "create", "--start", start, "--block-time-ms", "200",
                 "--validator", self.folder / "alice.json", "--allocate",
                 json.loads(keys)["payout"] + ":1000", "--stake-min", "10", "--out",
                 self.folder / "genesis")
        self.run("node", "init", "--genesis", self.folder / "genesis", "--listen", "127.0.0.1:0",
                 "--no-multicast", "--data", self.data)
        # A radio whose broker is not there: the routes show one, and why it is of no use.
        config = json.loads((self.data / "config.json").read_text(encoding="utf-8"))
        config["radios"] = [{"mqtt": {"port": 1,
                                      "channels": [{"name": "LongFast", "psk": "AQ=="}]}}]
        (self.data / "config.json").write_text(json.dumps(config), encoding="utf-8")
        self.log = open(self.folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen([program, "node", "run", "--data", str(self.data)],
                                        stderr=self.log)
        self.wait_for(lambda: (self.data / "api.address").exists())
        self.address = (self.data / "api.address").read_text(encoding="utf-8").strip()
        self.token = (self.data / "api.token").read_text(encoding="utf-8").strip()

    def run(self, *arguments):
        ended = subprocess.run([self.program, *map(str, arguments)], capture_output=True,
                               text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
        if ended.returncode != 0:
            sys.exit(f"meshchain {' '.join(map(str, arguments))}: {ended.stderr}")
        return ended.stdout

    def wait_for(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                log = (self.folder / "log").read_text(encoding="utf-8")
                sys.exit(f"the node does not do what is awaited:\n{log}")

    def ask(self, method, target, body=None, token=True, fields=None):
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        headers = dict(fields or {})
        if token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection.request(method, target, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        return response.status, response.getheader("Content-Type"), response.read().decode()

    def get(self, target):
        return json.loads(self.ask("GET", target)[2])

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()


def examples(node):
    """Requests by operation, for each at least one that is answered well."""
    address = node.get("/v1/wallet")["addresses"][0]
    sent = json.loads(node.ask("POST", "/v1/payments", {"to": address, "amount": 5})[2])["txid"]
    node.wait_for(lambda: node.get(f"/v1/transactions/{sent}")["certainty"] == "FINAL")
    block = node.get("/v1/blocks?count=1")["blocks"][0]
    probe = json.loads(node.ask("POST", "/v1/probes", {"to": "11" * 32})[2])["probe"]
    nothing = "0" * 64
    alert = json.loads(node.ask("POST", "/v1/alerts", {"text": "a test"})[2])["id"]
    search = json.loads(node.ask("POST", "/v1/searches", {"type": "bag"})[2])["search"]
    seen = {"hash": "bag-17", "type": "bag", "embedding": [1] + [0] * 511, "metadata": {"a": 1}}
    validator = node.get("/v1/validators")["validators"][0]["key"]
    return {
        ("POST", "/v1/wallet/unlock"): [("", {"passphrase": "correct horse"}), ("", []),
                                        ("", {"novel": 1})],
        ("POST", "/v1/wallet/labels"): [("", {"txid": sent, "label": "rent"}),
                                        ("", {"txid": nothing, "label": "rent"})],
        ("POST", "/v1/payments/{txid}/reissue"): [(f"/{sent}", {}), (f"/{nothing}", {})],
        ("POST", "/v1/payments"): [("", {"to": address, "amount": 7, "fee": 3}),
                                   ("", {"to": address, "amount": 8, "fee": "high", "label": "a"}),
                                   ("", {"to": "nobody", "amount": 7}),
                                   ("", {"to": address, "amount": -1}),
                                   ("", {"to": address, "amount": 10**9})],
        ("GET", "/v1"): [("", None), ("?novel=1", None)],
        ("GET", "/v1/blocks"): [("", None), ("?count=1", None), ("?from=1&count=3", None),
                                ("?count=101", None), ("?novel=1", None)],
        ("GET", "/v1/blocks/{block}"): [("/1", None), (f"/{block['hash']}", None),
                                        ("/999999", None), ("/x", None), (f"/{nothing}", None)],
        ("GET", "/v1/transactions/{txid}"): [(f"/{sent}", None), (f"/{nothing}", None),
                                             ("/x", None)],
        ("GET", "/v1/proofs/{txid}"): [(f"/{sent}", None), (f"/{nothing}", None), ("/x", None)],
        ("POST", "/v1/stakes"): [("", {"action": "delegate", "validator": validator, "amount": 20}),
                                 ("", {"action": "delegate", "validator": validator}),
                                 ("", {"action": "withdraw"}), ("", {"action": "novel"})],
        ("POST", "/v1/transactions"): [("", {"transaction": "00"}), ("", {"transaction": "x"})],
        ("POST", "/v1/decode"): [("", {"transaction": "00"})],
        ("GET", "/v1/wallet/history"): [("", None), ("?count=1", None), ("?count=999", None)],
        ("POST", "/v1/probes"): [("", {"to": "11" * 32}), ("", {"to": "x"})],
        ("GET", "/v1/probes/{probe}"): [(f"/{probe}", None), ("/999999", None), ("/x", None)],
        ("POST", "/v1/wallet/lock"): [("", {})],
        ("POST", "/v1/radios/pause"): [("", {"paused": True}), ("", {"paused": False}),
                                       ("", {"paused": 1}), ("", {})],
        ("GET", "/v1/alerts"): [("", None), ("?count=1", None), ("?count=-1", None)],
        ("POST", "/v1/alerts"): [("", {"text": "fire", "priority": "critical", "payload": [1]}),
                                 ("", {"text": ""}), ("", {"text": "x", "priority": "novel"}),
                                 ("", {"text": "x", "segment": "nowhere"}),
                                 ("", {"text": "x", "lifetime_s": 0})],
        ("GET", "/v1/alerts/{alert}"): [(f"/{alert}", None), (f"/{nothing}", None), ("/x", None)],
        ("POST", "/v1/alerts/{alert}/acknowledgement"): [
            (f"/{alert}", {"by": "Ana", "note": "on my way"}),
            (f"/{nothing}", {"by": "Ana"}), (f"/{alert}", {})],
        ("POST", "/v1/states"): [("", {"value": {"battery": 90}, "key": "camera"}), ("", {}),
                                 ("", {"value": 1, "key": "k" * 65})],
        ("GET", "/v1/registry"): [("", None), ("?hash=bag-17&type=bag", None), ("?node=x", None),
                                  ("?metadata=%7B%22a%22:1%7D", None), ("?metadata=1", None)],
        ("POST", "/v1/registry"): [("", seen), ("", {**seen, "if_changed": True}),
                                   ("", {**seen, "if_changed": 1}), ("", {"hash": ""}),
                                   ("", {"hash": "x" * 65}),
                                   ("", {"hash": "x", "embedding": [0] * 512}),
                                   ("", {"hash": "x", "embedding": [1] * 511}),
                                   ("", {"hash": "x", "embedding": "x"}),
                                   ("", {"hash": "x", "embedding": [1e300] * 512}),
                                   ("", {"hash": "x", "confidence": 2}),
                                   ("", {"hash": "x", "metadata": "x" * 2000})],
        ("POST", "/v1/registry/removals"): [("", {"hash": "bag-17"}), ("", {"hash": "novel"})],
        ("GET", "/v1/ownerships"): [("?hash=bag-17", None), ("", None), ("?novel=1", None)],
        ("POST", "/v1/ownerships"): [
            ("", {"hash": "bag-17", "action": "claim", "note": "found"}),
            ("", {"hash": "bag-17", "action": "claim"}), ("", {"hash": "x", "action": "accept"}),
            ("", {"hash": "bag-17", "action": "give"}), ("", {"hash": "bag-17", "action": "novel"}),
            ("", {"hash": "bag-17", "action": "give", "to": "11" * 32}),
            ("", {"hash": "x", "action": "claim", "to": "11" * 32}),
            ("", {"hash": "x", "action": "withdraw"}), ("", {"hash": "y", "action": "claim"}),
            ("", {"hash": "y", "action": "accept"}), ("", {"hash": "y", "action": "withdraw"}),
            ("", {"hash": "y", "action": "accept", "note": "n"})],
        ("POST", "/v1/searches"): [("", {"embedding": seen["embedding"], "count": 3}), ("", {}),
                                   ("", {"count": 0}), ("", {"patience_ms": 0}),
                                   ("", {"similarity_min": 2}), ("", {"metadata": {"a": 1}}),
                                   ("", {"metadata": {"a": [1]}}), ("", {"metadata": "a"})],
        ("GET", "/v1/searches/{search}"): [(f"/{search}", None), ("/1", None), ("/x", None)],
        ("POST", "/v1/stop"): [],  # asked last
    }


def check_routes(node, description):
    problems = []
    routes = {(r["method"], r["path"]): r for r in node.get("/v1")["routes"]}
    problems += [f"{m} {p} is not described" for m, p in routes.keys() - description.operations]
    problems += [f"{m} {p} does not exist" for m, p in description.operations.keys() - routes]
    for key in routes.keys() & description.operations.keys():
        if routes[key]["token"] == description.is_open(key):
            problems.append(f"{key}: need of the token is described wrongly")
        status = node.ask(key[0], re.sub(r"\{\w+\}", "1", key[1]), token=False)[0]
        if routes[key]["token"] and status != 401:
            problems.append(f"{key} answers {status} without the token")
    return problems


def check_answers(node, description):
    problems = []
    asked = examples(node)
    last = [("POST", "/v1/wallet/lock")]  # what comes after it needs no open wallet
    for key in [*(k for k in description.operations if k not in last), *last]:
        if key == ("GET", "/v1/events"):
            continue  # without an end: check_events
        method, path = key
        # What these answer well takes a signature, or an expired payment.
        well = key in (("POST", "/v1/stop"), ("POST", "/v1/transactions"), ("POST", "/v1/decode"),
                       ("POST", "/v1/payments/{txid}/reissue"))
        for suffix, body in asked.get(key, [("", None if method == "GET" else {})]):
            parameter, _, query = suffix.partition("?")
            target = re.sub(r"/\{\w+\}", parameter, path) if "{" in path else path
            target += f"?{query}" if query else ""
            status, kind, text = node.ask(method, target, body)
            well = well or status == 200
            problems += [f"{method} {target} ({status}): {p}"
                         for p in description.check(key, status, kind, text)]
        if not well:
            problems.append(f"{method} {path}: no example is answered well")
    return problems


def check_events(node):
    """Pays, and reads of it."""
    connection = http.client.HTTPConnection(node.address, timeout=PATIENCE)
    connection.request("GET", "/v1/events?types=TRANSACTION_ADDED,BLOCK_ADDED",
                       headers={"Authorization": f"Bearer {node.token}"})
    response = connection.getresponse()
    if response.getheader("Content-Type") != "text/event-stream":
        return [f"events come as {response.getheader('Content-Type')}"]
    address = node.get("/v1/wallet")["addresses"][0]
    node.ask("POST", "/v1/payments", {"to": address, "amount": 5})
    fields = {"TRANSACTION_ADDED": "txid", "BLOCK_ADDED": "block"}
    problems, seen, event = [], set(), {}
    while seen != fields.keys():
        line = response.readline().decode().rstrip("\n")
        if line.startswith(":") or not line and not event:
            continue
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
            continue
        name, data = event["event"], json.loads(event["data"])
        if data["type"] != name or fields[name] not in data or "id" not in event:
            problems.append(f"expected {fields[name]}, got {event}")
        seen.add(name)
        event = {}
    connection.close()
    return problems


def check(program, root):
    text = (root / "docs/api/openapi.json").read_text(encoding="utf-8")
    description = Description(json.loads(text))
    problems = description.problems()
    with tempfile.TemporaryDirectory() as folder:
        node = Node(program, folder)
        try:
            if node.ask("GET", "/v1/openapi.json", token=False)[2] != text:
                problems.append("the node serves another description")
            problems += check_routes(node, description)
            node.ask("POST", "/v1/wallet/unlock", {"passphrase": "correct horse"})
            problems += check_events(node)
            problems += check_answers(node, description)
            problems += metric_problems(node.ask("GET", "/metrics")[2])
            status, kind, answer = node.ask("POST", "/v1/stop", {})
            problems += description.check(("POST", "/v1/stop"), status, kind, answer)
        finally:
            node.stop()
    return problems


def self_test():
    gauge = "# HELP a_bytes A.\n# TYPE a_bytes gauge\na_bytes 1\n"
    histogram = ("# HELP a_seconds A.\n# TYPE a_seconds histogram\n"
                 'a_seconds_bucket{le="1"} 1\na_seconds_bucket{le="+Inf"} 3\n'
                 "a_seconds_sum 5\na_seconds_count 3\n")
    cases = {
        "good": (gauge, None),
        "no type": ("# HELP a A.\na 1\n", "no type"),
        "no help": ("# TYPE a gauge\na 1\n", "no HELP"),
        "odd unit": (gauge.replace("a_bytes", "a_ms"), "base unit"),
        "counter without total": ("# HELP a A.\n# TYPE a counter\na 1\n", "_total"),
        "twice": (gauge + "a_bytes 1\n", "twice"),
        "histogram": (histogram, None),
        "histogram that ends": (histogram.replace("+Inf", "2"), "last bucket"),
        "histogram that falls": (histogram.replace('"1"} 1', '"1"} 9'), "smaller"),
        "nothing": ("", "no metric"),
    }
    wrong = 0
    for name, (text, expected) in cases.items():
        problems = metric_problems(text)
        if not (any(expected in p for p in problems) if expected else not problems):
            print(f"self-test '{name}': expected {expected or 'nothing'}, got {problems}")
            wrong += 1
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"],
              "additionalProperties": False}
    operation = {"operationId": "x", "responses": {
        "200": {"content": {"application/json": {"schema": schema}}}}}
    document = {"openapi": "3.1.0", "paths": {"/x": {"get": operation}},
                "components": {"schemas": {}}}
    description = Description(document)
    for body, good in (('{"a": 1}', True), ('{"a": "1"}', False), ("{}", False),
                       ('{"a": 1, "b": 2}', False)):
        if good == bool(description.check(("GET", "/x"), 200, "application/json", body)):
            print(f"self-test: {body} was judged wrongly")
            wrong += 1
    operation["parameters"] = [{"name": "y", "in": "path", "schema": {"$ref": "#/gone"}}]
    if len(Description(document).problems()) != 2:
        print(f"self-test: {Description(document).problems()}")
        wrong += 1
    print(f"api self-test: {len(cases) + 5} cases, {wrong} wrong")
    return wrong


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    root = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent.parent).resolve()
    problems = check(sys.argv[1], root)
    for problem in problems:
        print(problem)
    print(f"api: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
