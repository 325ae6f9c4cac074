"""The named peer: dlt's `sql_database` source reading the same Rock tables into Parquet files, and nothing more.

`python bench/peer_dlt.py ROCK.sqlite sqlalchemy|pyarrow|connectorx FOLDER` reads the columns our import reads.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

TABLES = [
    "Person",
    "PersonAlias",
    "PhoneNumber",
    "Campus",
    "Group",
    "GroupType",
    "GroupTypeRole",
    "GroupMember",
    "GroupLocation",
    "Location",
    "DefinedValue",
    "FinancialTransaction",
    "FinancialTransactionDetail",
    "FinancialTransactionRefund",
    "FinancialBatch",
    "FinancialAccount",
    "FinancialPaymentDetail",
    "Attendance",
    "AttendanceOccurrence",
    "PrayerRequest",
]


def main(database: Path, backend: str, folder: Path) -> None:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["DATA_WRITER__DISABLE_COMPRESSION"] = "true"
    import dlt
    from dlt.sources.sql_database import sql_table

    from migrate_etl.rock.tables import ROCK_COLUMNS

    url = f"sqlite:///{database.resolve()}"
    resources = [
        sql_table(
            credentials=url,
            table=name,
            backend=backend,
            chunk_size=50_000,
            included_columns=[column.name for column in ROCK_COLUMNS[name]],
        )
        for name in TABLES
    ]
    pipeline = dlt.pipeline(
        pipeline_name=f"peer_{backend}",
        pipelines_dir=str(folder / "state"),
        destination=dlt.destinations.filesystem(str((folder / "out").resolve())),
        dataset_name="rock",
    )
    pipeline.extract(resources, loader_file_format="parquet")
    pipeline.normalize()
    pipeline.load()
    rows = pipeline.last_trace.last_normalize_info.row_counts
    print(sum(count for table, count in rows.items() if not table.startswith("_dlt")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
