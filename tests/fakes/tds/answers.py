"""A whole result set, with what a server may send around and between its rows."""

from __future__ import annotations

from typing import Any

from tests.fakes.tds.settings import Manner
from tests.fakes.tds.tokens import COUNTED, LANGUAGE, MORE, changed, done, info, ordered_by, refused
from tests.fakes.tds.types import Column, described, row


def answer(columns: list[Column], values: list[tuple[Any, ...]], manners: frozenset[Manner] = frozenset()) -> bytes:
    told = info(8153, "Warning: Null value is eliminated by an aggregate or other SET operation.")
    between = told if "infos" in manners else b""
    if "environment" in manners:
        between += changed(LANGUAGE, "us_english")
    sent = [row(columns, some, null_bitmap="null bitmap" in manners) for some in values]
    order = ordered_by(1) if "order" in manners else b""
    after = done(COUNTED | MORE, len(values)) + done() if "done after" in manners else done(COUNTED, len(values))
    if "error after" in manners:
        after = done(COUNTED | MORE, len(values)) + refused(1205, "Deadlocked.", 13)
    before = done(COUNTED | MORE) if "done before" in manners else b""
    return before + described(columns) + order + between.join(sent) + between + after
