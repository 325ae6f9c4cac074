"""What work costs: USD 12.00 a mailbox that ended done, USD 0.40 a GB of 10**9 bytes. Pure.

A project is billed for the sum of its bytes, rounded half up to the cent once; so a project's jobs, each rounded for
itself, may add up to some cents more or less. A client's cost is the sum of its projects'.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from migrate_transfer.forecast import USD_PER_GB

PER_MAILBOX = Decimal("12.00")
PER_GB = USD_PER_GB
GB = Decimal(10**9)
CENT = Decimal("0.01")


def cost(bytes_done: int, mailboxes_done: int) -> Decimal:
    """USD of so many bytes and mailboxes."""
    return (PER_GB * bytes_done / GB + PER_MAILBOX * mailboxes_done).quantize(CENT, ROUND_HALF_UP)


def gigabytes(bytes_done: int) -> str:
    """Bytes as GB, exactly: nine decimals."""
    return f"{Decimal(bytes_done) / GB:.9f}"
