"""Whatever happened to the books, the lines add up to the cent, and unexplained is exactly what nobody can explain."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.migrate_etl.verify.books import Books, Gift

RULES = [None, None, None, "queued", "no_date", "outside_date_range", "no_campus", "other_campus"]
DAYS = [date(2023, 12, 31), date(2024, 1, 1), date(2024, 2, 29), None]

gifts = st.lists(
    st.builds(
        Gift,
        id=st.integers(1, 60),
        cents=st.integers(-50_000, 50_000),
        fund=st.integers(1, 2),
        day=st.sampled_from(DAYS),
        person=st.sampled_from([None, 5, 6, 7]),
        skip=st.sampled_from(RULES),
        type=st.sampled_from(["contribution"] * 6 + ["event registration"]),
    ),
    max_size=25,
    unique_by=lambda gift: gift.id,
)
some_ids = st.sets(st.integers(1, 60), max_size=6)


@st.composite
def books(draw: st.DrawFn) -> tuple[Books, int]:
    """Books with things lost, changed, rejected, gone and planted; and the cents that nothing accounts for."""
    extract = sorted(draw(gifts), key=lambda gift: gift.id)
    rejected, removed, changed = draw(some_ids), draw(some_ids), draw(some_ids)
    rock = [replace(g, cents=g.cents + 7) if g.id in changed else g for g in extract if g.id not in removed]
    lost = [Gift(100 + n, cents=n) for n in draw(some_ids)]
    later = [Gift(2_000 + n, cents=n) for n in draw(some_ids)]
    plain = Books([*rock, *lost, *later], extract=extract, rejected=sorted(rejected), high_water=1_000)
    loaded = plain.loaded()
    gone = [Gift(300 + n, cents=n) for n in draw(some_ids)]
    own = [Gift(0, cents=n, external=f"desk-{n}") for n in draw(some_ids)]
    missing, altered, planted = draw(some_ids), draw(some_ids), draw(some_ids)
    mission = [replace(g, cents=g.cents - 3) if g.id in altered else g for g in loaded if g.id not in missing]
    mission += [Gift(400 + n, cents=n) for n in planted]
    unexplained = sum(g.cents for g in loaded if g.id in missing) - sum(planted)
    unexplained += 3 * sum(1 for g in loaded if g.id in altered and g.id not in missing)
    return replace(plain, mission=[*mission, *gone, *own], receipts=[g.id for g in gone]), unexplained


@given(books())
@settings(max_examples=150)
def test_the_lines_add_up_and_unexplained_is_what_was_planted(case: tuple[Books, int]) -> None:
    books, unexplained = case
    with tempfile.TemporaryDirectory() as folder:
        found = books.verify(Path(folder))
    assert sum((line.effect for line in found.lines), Decimal(0)) == found.difference
    assert found.unexplained == Decimal(unexplained).scaleb(-2)
    assert found.rock.amount == Decimal(sum(g.cents for g in books.rock if g.type == "contribution")).scaleb(-2)
    assert [sum(found.cube.months["rock_amount"].to_list(), Decimal(0))] == [found.scope.amount]
