#!/usr/bin/env python3
"""Speaks as a Kodikon node does, to a bridge on this machine.

    original_node.py PORT    waits on 127.0.0.1:PORT to be told where the bridge is

Prints "ready", says there what it has to say, a version of Infinity included, and prints the first
alert that it hears.
"""
import json
import socket
import sys
import time

NAME = "Eingang-Süd"


class Node:
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.port, self.bridge, self.seq = port, None, 0

    def send(self, kind, payload):
        self.seq += 1
        message = {"type": kind, "source": NAME, "timestamp": time.time(), "seq": self.seq,
                   "payload": payload, "path": []}
        self.socket.sendto(json.dumps(message).encode(), self.bridge)

    def introduce(self):
        now = time.time()
        self.send(1, {"node_id": NAME, "state": {}, "version": 0, "timestamp": now})
        self.send(2, {"node_id": NAME, "port": self.port, "ip_address": "255.255.255.255",
                      "timestamp": now})
        self.send(3, {"node_id": NAME, "state": {"battery": 1}, "version": float("inf")})
        self.send(3, {"node_id": NAME, "state": {"battery": 90}, "version": 1, "timestamp": now})
        self.send(5, {"alert": "Tasche verlässt den Raum", "priority": "critical",
                      "timestamp": now})
        entry = {"hash_value": "ab12", "node_id": NAME, "timestamp": now, "data_type": "bag",
                 "embedding": [(i * 37 % 101) / 101 - 0.5 for i in range(512)],
                 "metadata": {"color": "rot"}, "ownership_history": [], "transfer_token": None,
                 "confidence": 0.5, "last_update": now, "source_node_id": NAME,
                 "location_signature": None}
        self.send(6, {"version": 1, "entries": {"ab12": entry}, "timestamp": now})

    def run(self):
        print("ready", flush=True)
        while True:
            message = json.loads(self.socket.recv(65536).decode())
            payload = message["payload"]
            if message["type"] == 2 and self.bridge is None:
                self.bridge = (payload["ip_address"], payload["port"])
                self.introduce()
            if message["type"] == 5:
                print(payload["priority"], payload["alert"]["message"], flush=True)
                return


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Node(int(sys.argv[1])).run()
