"""Awkward gifts: no giver, date, batch or amount; taken back; in closed funds; at the edges of years and zones."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from migrate_etl.sandbox.rock.dirt import GAP, NOWHERE, OVERLAP, Plants


def plant(plants: Plants) -> None:
    rock, year = plants.rock, plants.year
    when, merged = datetime(year - 1, 6, 15, 12), plants.alias("merged")
    batch = rock.batch("Odd batch", plants.campuses[0], Status=1, ControlAmount=123_456)
    plants.mark("FinancialBatch", "unbalanced and open", batch)
    _givers(plants, when, {"BatchId": batch})
    _amounts(plants, when, merged, {"BatchId": batch})
    _taken_back(plants, when, merged, {"BatchId": batch})
    _dates(plants, when, merged, {"BatchId": batch})
    _types(plants, when, merged, {"BatchId": batch})
    _funds_and_places(plants, when, merged, batch)
    rock.next_id("FinancialTransactionDetail", skip=1_000)
    plants.gift("after a gap of ids", 19_900, datetime(year, 2, 2, 2, 2), merged, BatchId=batch)


def _givers(plants: Plants, when: datetime, more: dict[str, Any]) -> None:
    rock = plants.rock
    plants.gift("no giver", 5_000, when, None, **more)
    plants.gift("Giver Anonymous", 6_000, when, 1, **more)
    plants.gift("Anonymous Visitor", 6_100, when, 2, **more)
    plants.gift("business", 7_000, when, plants.alias("business"), **more)
    plants.gift("giver not migrated", 8_000, when, plants.alias("nameless"), **more)
    plants.gift("giver not migrated", 8_100, when, plants.alias("rest user"), **more)
    plants.gift("giver not migrated", 8_200, when, plants.alias("own record type"), **more)
    plants.gift("giver's alias deleted", 8_300, when, NOWHERE, **more)
    old = plants.planted["PersonAlias: of a merged record"]
    plants.gift("under a merged record", 9_000, when, old[0], ShowAsAnonymous=True, **more)
    plants.gift("under a merged record", 9_100, when, old[1], **more)
    plants.gift("shown as anonymous", 9_200, when, plants.alias("merged"), ShowAsAnonymous=True, **more)
    for kind in ("blank giving id", "no giving id", "wrong giving id", "no campus", "deceased", "inactive"):
        plants.gift(f"giver: {kind}", 4_000, when, plants.alias(kind), **more)
    plants.gift("nothing known of the giver's name", 4_500, when, plants.alias("no name, nickname only"), **more)
    rock.add(
        "FinancialPledge",
        PersonAliasId=plants.alias("merged"),
        AccountId=1,
        TotalAmount=120_000,
        StartDate=date(plants.year, 1, 1),
        EndDate=date(plants.year, 12, 31),
    )


def _amounts(plants: Plants, when: datetime, merged: int, more: dict[str, Any]) -> None:
    rock = plants.rock
    plants.gift("zero", 0, when, merged, **more)
    plants.gift("negative without a refund row", -777, when, merged, **more)
    plants.gift("one cent", 1, when, merged, **more)
    plants.gift("very large", 999_999_999_99, datetime(plants.year - 4, 5, 5), merged, **more)
    plants.gift("taken back by hand, as large", -999_999_999_99, datetime(plants.year - 4, 5, 6), merged, **more)
    plants.gift("without details", [], when, merged, **more)
    odd = [(1, 3_333), (2, 3_333), (3, 3_334)]
    plants.gift("split in three", odd, when, merged, tender="currency card", **more)
    plants.gift("split over one fund twice", [(1, 1_000), (1, 1_000)], when, merged, **more)
    plants.gift("split with a negative part", [(1, 5_000), (2, -1_000), (3, 0)], when, merged, **more)
    foreign = plants.gift(
        "foreign currency", [], when, merged, ForeignCurrencyCodeValueId=rock.values["currency code euro"]
    )
    rock.add(
        "FinancialTransactionDetail", TransactionId=foreign, AccountId=1, Amount=10_870, ForeignCurrencyAmount=10_000
    )
    covered = plants.gift("fee covered", [], when, merged, tender="currency card", **more)
    rock.add(
        "FinancialTransactionDetail",
        TransactionId=covered,
        AccountId=1,
        Amount=10_300,
        FeeAmount=290,
        FeeCoverageAmount=300,
    )


def _taken_back(plants: Plants, when: datetime, merged: int, more: dict[str, Any]) -> None:
    """Refunds in another year, month, batch and campus than the gift; and debits the bank sent back."""
    year, rock = plants.year, plants.rock
    ach = {"tender": "currency ach"}
    refunds = {"BatchId": rock.batch("Odd batch - Refund", plants.campuses[1], ControlAmount=-51_500), **ach}
    original = plants.gift("refunded twice across years", 50_000, datetime(year - 2, 12, 20, 10), merged, **more, **ach)
    for cents, day in ((-20_000, datetime(year - 1, 1, 4, 10)), (-30_000, datetime(year - 1, 2, 1, 10))):
        plants.gift("refund in another year and campus", cents, day, merged, refund_of=original, **refunds)
    split = plants.gift("refunded whole", [(1, 6_000), (2, 4_000)], when, merged, **more, **ach)
    plants.gift("refund of a split", [(1, -6_000), (2, -4_000)], when, merged, refund_of=split, **refunds)
    plants.gift("refund without original", -1_500, when, merged, refund_of=0, **refunds)
    queued = {"FutureProcessingDateTime": datetime(year + 1, 1, 1)}
    waiting = plants.gift("queued, refunded", 3_100, when, merged, **queued, **ach)
    plants.gift("refund of a gift left out", -3_100, when, merged, refund_of=waiting, **refunds)
    plants.gift("refund with a positive amount", 250, when, merged, refund_of=original, **refunds)
    plants.gift("failed", 25_000, when, merged, Status="Failed", **more, **ach)
    plants.gift(
        "reversal of a failed one", -25_000, when, merged, Status="Complete", StatusMessage="R01", **more, **ach
    )


def _dates(plants: Plants, when: datetime, merged: int, more: dict[str, Any]) -> None:
    year = plants.year
    plants.gift("queued", 11_100, when, merged, FutureProcessingDateTime=datetime(year + 1, 1, 1), **more)
    plants.gift("no date", 12_200, None, merged, **more)
    plants.gift("no date, queued", 13_300, None, merged, FutureProcessingDateTime=datetime(year + 1, 1, 1), **more)
    plants.gift("default Sunday", 17_700, when, merged, SundayDate=date(1753, 1, 1), **more)
    last = datetime(year - 1, 12, 31, 23, 59, 59, 997_000)
    plants.gift("last moment of the year", 1, last, merged, **more)
    plants.gift("first moment of the year", 2, datetime(year, 1, 1), merged, **more)
    plants.gift("in the spring gap", 3, GAP, merged, **more)
    plants.gift("in the autumn overlap", 4, OVERLAP, merged, **more)
    plants.gift("leap day", 5, datetime(2024, 2, 29, 23, 59), merged, **more)
    plants.gift("before the church began", 6_600, datetime(1994, 7, 4, 9), merged, **more)
    plants.gift("in the future", 7_700, datetime(year + 2, 3, 1, 9), merged, **more)


def _types(plants: Plants, when: datetime, merged: int, more: dict[str, Any]) -> None:
    """Payments that are no giving, tenders of every sort, and what a detail pays for."""
    values, rock = plants.rock.values, plants.rock
    plants.gift(
        "event payment", 15_500, when, merged, TransactionTypeValueId=values["transaction registration"], **more
    )
    plants.gift(
        "event payment without a date", 15_600, None, merged, TransactionTypeValueId=values["transaction registration"]
    )
    plants.gift("receipt", 16_600, when, merged, TransactionTypeValueId=values["transaction receipt"], **more)
    for tender in ("cash", "check", "card", "ach", "noncash", "apple pay", "android pay", "unknown", "other", "own"):
        plants.gift(f"tender: {tender}", 1_100, when, merged, tender=f"currency {tender}", **more)
    plants.gift("tender: none", 1_100, when, merged, tender=None, **more)
    plants.gift("no payment detail", 1_200, when, merged, FinancialPaymentDetailId=None, **more)
    asset = values["asset stocks and bonds"]
    plants.gift("stocks", 500_000, when, merged, tender="currency noncash", NonCashAssetTypeValueId=asset, **more)
    for _ in range(2):
        plants.gift("downloaded twice", 2_500, when, merged, TransactionCode="ch_dup", FinancialGatewayId=1, **more)
    for kind, entity_type, entity in (
        ("for a fundraiser", "GroupMember", plants.planted["GroupMember: in two roles"][0]),
        ("for something deleted", "Registration", NOWHERE),
    ):
        gift = plants.gift(kind, [], when, merged, **more)
        link = {"EntityTypeId": rock.entity_types[entity_type], "EntityId": entity}
        rock.add("FinancialTransactionDetail", TransactionId=gift, AccountId=1, Amount=18_800, **link)


def _funds_and_places(plants: Plants, when: datetime, merged: int, batch: int) -> None:
    """Closed funds, funds without a public name, a circle of funds; gifts whose campus has to be looked for."""
    rock, north = plants.rock, plants.campuses[1]
    closed = rock.fund("Organ Fund (closed)", PublicName=None, IsActive=False, EndDate=date(plants.year - 3, 1, 1))
    deep = rock.fund("<b>Choir</b> & Robes", PublicName="  ", ParentAccountId=closed, Description="=1+1")
    first = rock.last_id("FinancialAccount") + 1
    rock.fund("Circle Fund A", ParentAccountId=first + 1)
    rock.fund("Circle Fund B", ParentAccountId=first)
    northern = rock.fund("North Roof", CampusId=north)
    for kind, fund in (("closed fund", closed), ("fund without a public name", deep), ("fund in a circle", first)):
        plants.gift(kind, [(fund, 14_400)], when, merged, BatchId=batch)
    nowhere = rock.batch("No campus")
    homeless = plants.alias("no campus")
    plants.gift("no batch", 2_100, when, merged)
    plants.gift("no batch, campus by the fund", [(northern, 2_200)], when, merged)
    plants.gift("batch without a campus", 2_300, when, merged, BatchId=nowhere)
    plants.gift("no campus at all", 2_400, when, homeless, BatchId=nowhere)
    plants.gift("no campus, no giver", 2_500, when, None)
    plants.gift("batch of another campus than the giver", 2_600, when, merged, BatchId=rock.batch("North", north))
    plants.gift("batch deleted", 2_700, when, merged, BatchId=NOWHERE)
