"""Contributions: one Mission contribution per FinancialTransactionDetail, where fund and amount live."""

from __future__ import annotations

from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Select, select

from checks.schemas.contributions import MISSION, ROCK
from migrate_etl import fields
from migrate_etl.entities.findings import finding, findings
from migrate_etl.entity import Entity, Mapped
from migrate_etl.rock import well_known as known
from migrate_etl.rock.lookups import Lookups
from migrate_etl.rock.tables import RockTables
from migrate_etl.spec import RockImportSpec

WIRE = (
    "external_id",
    "external_transaction_id",
    "external_person_id",
    "external_fund_id",
    "amount",
    "date",
    "payment_method",
    "external_batch_id",
    "batch_name",
    "is_anonymous",
    "is_refund",
    "external_refund_of",
    "non_positive",
    "external_campus_id",
)
MEASURES = (
    "_amount",
    "_fund_id",
    "_year",
    "_month",
    "_batch_id",
    "_campus_id",
    "_currency",
    "_type",
    "_person_id",
    "_giving_id",
    "_transaction_id",
    "_refund",
)


def rows(tables: RockTables) -> Select[Any]:
    """A row per detail with its header's columns."""
    detail, header = tables["FinancialTransactionDetail"], tables["FinancialTransaction"]
    payment = tables["FinancialPaymentDetail"]
    # Not a join: who only counts the rows would pay for it.
    currency = (
        select(payment.c.CurrencyTypeValueId).where(payment.c.Id == header.c.FinancialPaymentDetailId).scalar_subquery()
    )
    return select(
        detail.c.Id.label("id"),
        detail.c.TransactionId.label("transaction_id"),
        detail.c.AccountId.label("fund_id"),
        detail.c.Amount.label("amount"),
        header.c.TransactionDateTime.label("moment"),
        header.c.TransactionTypeValueId.label("type_id"),
        header.c.BatchId.label("batch_id"),
        header.c.AuthorizedPersonAliasId.label("alias_id"),
        tables.optional("FinancialTransaction", "ShowAsAnonymous").label("is_anonymous"),
        tables.optional("FinancialTransaction", "FutureProcessingDateTime").label("queued_until"),
        currency.label("currency_id"),
    ).join_from(detail, header, header.c.Id == detail.c.TransactionId, isouter=True)


def key(tables: RockTables) -> ColumnElement[Any]:
    return tables["FinancialTransactionDetail"].c.Id


def date(tables: RockTables) -> ColumnElement[Any]:
    return tables["FinancialTransaction"].c.TransactionDateTime


def map(chunk: pl.DataFrame, lookups: Lookups, spec: RockImportSpec) -> Mapped:
    """Route and map gifts; a refund whose original is known goes by the original's batch: both stay together."""
    frame = _joined(chunk, lookups)
    frame = frame.with_columns(
        fields.wire_moments(frame["moment"], spec.time_zone).alias("date"),
        _campus_id=_campus(),
        skip=_rule(spec),
        **_payment(spec),
    )
    records = frame.select("id", _skip(spec), *_wire(), *_measures())
    return Mapped(records, _findings(frame.with_columns(records["skip"])))


def _joined(chunk: pl.DataFrame, lookups: Lookups) -> pl.DataFrame:
    frame = lookups.alias.beside(chunk, "alias_id", person_id="person_id")
    frame = lookups.person.beside(
        frame,
        "person_id",
        anonymous="anonymous",
        giving_id="giving_id",
        donor_rule="rule",
        donor_campus_id="campus_id",
        found_person_id="person_id",
    )
    frame = lookups.batch.beside(frame, "batch_id", batch_name="batch_name", batch_campus_id="batch_campus_id")
    frame = lookups.account.beside(frame, "fund_id", account_campus_id="account_campus_id", found_fund_id="fund_id")
    frame = lookups.refund.beside(
        frame,
        "transaction_id",
        refund_id="refund_id",
        original_id="original_id",
        original_batch_id="original_batch_id",
        found_original_id="found_original_id",
    )
    frame = lookups.batch.beside(frame, "original_batch_id", original_campus_id="batch_campus_id")
    frame = lookups.value.beside(frame, "type_id", type_guid="guid", type_word="value")
    frame = lookups.value.beside(frame, "currency_id", currency_guid="guid", currency_word="value")
    return frame.with_columns(
        is_refund=pl.col("refund_id").is_not_null(),
        donor_id=pl.when(pl.col("donor_rule").is_null()).then("found_person_id"),
    )


def _campus() -> pl.Expr:
    known_original = pl.col("found_original_id").is_not_null()
    batch = pl.when(known_original).then("original_campus_id").otherwise("batch_campus_id")
    return pl.coalesce(batch, "account_campus_id", "donor_campus_id")


def _rule(spec: RockImportSpec) -> pl.Expr:
    rule = (
        pl.when(~pl.col("type_guid").eq_missing(pl.lit(known.CONTRIBUTION_TYPE)))
        .then(pl.lit("transaction_type"))
        .when(pl.col("queued_until").is_not_null())
        .then(pl.lit("queued"))
        .when(pl.col("moment").is_null())
        .then(pl.lit("no_date"))
    )
    if spec.date_range_start:
        rule = rule.when(pl.col("moment") < pl.lit(spec.date_range_start).cast(pl.Datetime("us"))).then(
            pl.lit("outside_date_range")
        )
    return rule.otherwise(pl.lit(None, dtype=pl.String))


def _skip(spec: RockImportSpec) -> pl.Expr:
    return pl.coalesce("skip", fields.campus_rule(spec.campus_ids, "_campus_id")).alias("skip")


def _payment(spec: RockImportSpec) -> dict[str, pl.Expr]:
    methods = {**known.PAYMENT_METHODS, **{g.lower().strip("{}"): m for g, m in spec.value_maps.payment_method.items()}}
    found = pl.col("currency_guid").replace_strict(methods, default=None, return_dtype=pl.String)
    return {"method": found.fill_null("Other"), "own_currency": pl.col("currency_guid").is_not_null() & found.is_null()}


def _wire() -> list[pl.Expr]:
    return [
        fields.reference("contribution", "id").alias("external_id"),
        fields.reference("transaction", "transaction_id").alias("external_transaction_id"),
        fields.reference("person", "donor_id").alias("external_person_id"),
        fields.reference("fund", "fund_id").alias("external_fund_id"),
        fields.wire_amount("amount").alias("amount"),
        pl.col("date"),
        pl.col("method").alias("payment_method"),
        fields.reference("batch", "batch_id").alias("external_batch_id"),
        fields.text("batch_name").alias("batch_name"),
        pl.col("is_anonymous").fill_null(False),
        pl.col("is_refund"),
        fields.reference("transaction", "original_id").alias("external_refund_of"),
        (pl.col("amount") <= 0).alias("non_positive"),
        fields.reference("campus", "_campus_id").alias("external_campus_id"),
    ]


def _measures() -> list[pl.Expr]:
    contribution = pl.col("type_guid").eq_missing(pl.lit(known.CONTRIBUTION_TYPE))
    return [
        pl.col("amount").alias("_amount"),
        pl.col("fund_id").alias("_fund_id"),
        pl.col("moment").dt.year().alias("_year"),
        pl.col("moment").dt.month().alias("_month"),
        pl.col("batch_id").alias("_batch_id"),
        pl.col("_campus_id"),
        pl.col("currency_word").fill_null("none").alias("_currency"),
        pl.when(contribution)
        .then(pl.lit("contribution"))
        .otherwise(pl.col("type_word").fill_null("none"))
        .alias("_type"),
        pl.col("donor_id").alias("_person_id"),
        pl.when(pl.col("donor_id").is_not_null()).then("giving_id").alias("_giving_id"),
        pl.col("transaction_id").alias("_transaction_id"),
        pl.col("is_refund").alias("_refund"),
    ]


def _findings(frame: pl.DataFrame) -> pl.DataFrame:
    loaded = frame.filter(pl.col("skip").is_null())
    skipped_donor = pl.col("donor_rule").is_not_null() & ~pl.col("anonymous").fill_null(False)
    unknown = pl.col("alias_id").is_not_null() & pl.col("found_person_id").is_null()
    named = [
        finding(loaded, "contributions", "donor_missing", pl.col("alias_id").is_null(), amount="amount"),
        finding(loaded, "contributions", "donor_not_migrated", skipped_donor, detail="donor_rule", amount="amount"),
        finding(loaded, "contributions", "donor_unknown", unknown, amount="amount"),
        finding(loaded, "contributions", "gift_without_fund", pl.col("found_fund_id").is_null(), amount="amount"),
        finding(loaded, "contributions", "refund", pl.col("is_refund"), amount="amount"),
        finding(
            loaded,
            "contributions",
            "non_positive_amount",
            (pl.col("amount") <= 0) & ~pl.col("is_refund"),
            amount="amount",
        ),
        finding(loaded, "contributions", "own_currency_type", pl.col("own_currency"), amount="amount"),
        finding(
            loaded,
            "contributions",
            "refund_without_original",
            pl.col("is_refund") & pl.col("original_id").is_null(),
            amount="amount",
        ),
        finding(frame, "contributions", "undated_gift", pl.col("skip") == "no_date", amount="amount"),
    ]
    return findings(named)


ENTITY = Entity(
    name="contributions",
    path="/api/import/contributions",
    prefix="rock:contribution:",
    select=rows,
    key=key,
    map=map,
    raw_contract=ROCK,
    wire_contract=MISSION,
    wire=WIRE,
    partition_date=date,
)
