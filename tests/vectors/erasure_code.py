#!/usr/bin/env python3
"""Prints the known answers of the erasure code (docs/formats/radio-frame.md), worked out from its
definition alone: multiplication bit by bit, inverses by trying.

    tests/vectors/erasure_code.py > tests/vectors/erasure_code.txt
"""


def multiply(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11D
        b >>= 1
    return product


def inverse(a):
    return next(b for b in range(1, 256) if multiply(a, b) == 1)


def piece(message, size, index):
    padded = message + bytes(-len(message) % size)
    data = [padded[i:i + size] for i in range(0, len(padded), size)]
    if index < len(data):
        return data[index]
    out = bytearray(size)
    for j, part in enumerate(data):
        factor = inverse(index ^ j)
        for i, value in enumerate(part):
            out[i] ^= multiply(factor, value)
    return bytes(out)


def message(length):
    """Bytes that repeat in no length of a piece."""
    return bytes((i * i + 7 * i + length) % 256 for i in range(length))


if __name__ == "__main__":
    print("# Made by erasure_code.py: bytes of message, bytes of piece, index, piece.")
    print("# Byte i of the message is i * i + 7 * i + length, modulo 256.")
    for length, size in ((1, 1), (5, 5), (7, 3), (16, 4), (33, 8), (254, 1), (440, 221),
                         (600, 200)):
        count = -(-length // size)
        for index in sorted({0, count - 1, count, count + 1, 128, 254, 255}):
            if index < 256:
                print(length, size, index, piece(message(length), size, index).hex())
