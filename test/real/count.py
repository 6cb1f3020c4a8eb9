# SPDX-License-Identifier: GPL-2.0
"""Counts, and holds 200 MB whose checksum it knows. "PASS" once the file "go" is there and every byte is right."""
import hashlib
import os
import random
import time

BLOCK = 1 << 20
rng = random.Random(7)
blocks = [bytearray(rng.randbytes(BLOCK)) for _ in range(200)]
sums = [hashlib.blake2b(b).digest() for b in blocks]
n = 0
while not os.path.exists("go"):
    n += 1
    with open("progress.new", "w") as f:
        print(n, file=f)
    os.rename("progress.new", "progress")
    i = n % len(blocks)
    blocks[i][n % BLOCK] ^= 0xFF
    sums[i] = hashlib.blake2b(blocks[i]).digest()
    time.sleep(0.01)
good = all(hashlib.blake2b(b).digest() == s for b, s in zip(blocks, sums))
print("PASS" if good else "FAIL", flush=True)
