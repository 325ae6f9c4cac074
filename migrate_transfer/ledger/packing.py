"""Payloads and ids as the ledger of records keeps them.

pyarrow is imported where it is used: a transfer of files shares this package, and would pay for it at each start.
"""

from __future__ import annotations

CODEC = "zstd"
"""Payloads repeat themselves: packed they are a fortieth, at a tenth of a millisecond each."""


def packed(payload: bytes) -> bytes:
    import pyarrow as pa

    smaller = pa.compress(payload, CODEC, asbytes=True)
    assert isinstance(smaller, bytes)
    return smaller


def unpacked(smaller: bytes, size: int) -> bytes:
    """`size`: the payload's."""
    import pyarrow as pa

    payload = pa.decompress(smaller, size, CODEC, asbytes=True)
    assert isinstance(payload, bytes)
    return payload


def count_twice(ids: bytes) -> int:
    """How many of the ids (64-bit) stand there already. Sorted, not hashed: a hash of two million takes 400 MB."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pa.Array.from_buffers(pa.int64(), len(ids) // 8, [None, pa.py_buffer(ids)])
    ordered = known.take(pc.sort_indices(known))
    return int(pc.sum(pc.equal(ordered.slice(1), ordered.slice(0, max(0, len(ordered) - 1)))).as_py() or 0)
