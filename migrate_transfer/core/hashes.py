"""Digests in the forms the services want them. SHA-256 proves; the others guard one request on its way.

CRC-64 is the one Azure Storage checks (its polynomial is that of CRC-64/NVME); computed by awscrt at memory speed,
where MD5 would cost more than reading, sending and SHA-256 together.
"""

from __future__ import annotations

import base64
import hashlib

from awscrt.checksums import crc64nvme


def md5_base64(data: bytes) -> str:
    """As `Content-MD5` has it."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def crc64_base64(data: bytes) -> str:
    """As `x-ms-content-crc64` has it: little-endian."""
    return base64.b64encode(crc64nvme(data).to_bytes(8, "little")).decode()
