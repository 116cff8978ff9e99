#!/usr/bin/env python3
"""Prints packets as docs/formats/radio-frame.md has them, worked out apart from the program.

    tests/vectors/radio_packet.py > tests/vectors/radio_packet.txt
"""
import hashlib
import struct

from erasure_code import message, piece

HEADER = 0xF9
DOMAIN = b"mc/air/1"
PIECE_BYTES = 231 - 11


def transfer_id(kind, has_origin, joined):
    head = bytes([len(DOMAIN)]) + DOMAIN + bytes([kind, has_origin])
    return hashlib.blake2b(head + joined, digest_size=32).digest()[:4]


def packets(kind, origin, payload):
    joined = origin + payload
    flag = 1 if origin else 0
    if 3 + len(joined) <= 231:
        return [(0, bytes([HEADER, kind, flag]) + joined)]
    count = -(-len(joined) // PIECE_BYTES)
    size = -(-len(joined) // count)
    head = bytes([HEADER, kind, flag | 2]) + transfer_id(kind, flag, joined)
    head += struct.pack(">H", len(joined))
    return [(i, head + bytes([i, max(0, count - 1 - i)]) + piece(joined, size, i))
            for i in [*range(count), count]]


if __name__ == "__main__":
    print("# Made by radio_packet.py: type, origin (or -), bytes of payload, index, packet.")
    print("# Byte i of the payload is i * i + 7 * i + length, modulo 256. The last piece is one")
    print("# for repair, asked for by one radio that misses one.")
    ORIGIN = bytes(range(1, 9)) + struct.pack(">II", 0x65000000, 0x01020304)
    for kind, origin, length in ((0, b"", 110), (17, ORIGIN, 77), (1, b"", 228), (1, b"", 229),
                                 (4, ORIGIN, 700)):
        for index, packet in packets(kind, origin, message(length)):
            print(kind, origin.hex() or "-", length, index, packet.hex())
    wish = bytes([HEADER, 1, 4]) + struct.pack(">I", 0xA1B2C3D4)
    print("wish", (wish + transfer_id(1, 0, message(229)) + bytes([2])).hex())
