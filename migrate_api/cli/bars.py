"""How far an import is: a bar for each entity, read from the books that the import's own process writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from migrate_api.cli.output import console
from migrate_etl.dataset import Dataset
from migrate_etl.plan import Plan
from migrate_etl.spec import EntityName
from migrate_etl.workspace import Workspace, part_name
from migrate_transfer.ledger import Ledger


@contextmanager
def bars(workspace: Workspace) -> Iterator[Callable[[], None]]:
    """Yields a function that looks at the job folder and redraws. Shows nothing where standard error is no terminal."""
    columns = (
        TextColumn("{task.description:16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[step]:12}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(), transient=True, disable=not console().is_terminal) as progress:
        shown = {name: progress.add_task(name, total=None, step="") for name in workspace.spec.entities}
        proof = progress.add_task("proof", total=None, visible=False, step="comparing")
        yield lambda: None if progress.disable else _look(workspace, progress, shown, proof)


def _look(workspace: Workspace, progress: Progress, shown: Mapping[EntityName, TaskID], proof: TaskID) -> None:
    if not workspace.plan_path.exists():
        return
    plan = Plan.load(workspace.plan_path)
    with Ledger.open(workspace.ledger_path) as ledger:
        for entity, task in shown.items():
            totals = [ledger.totals(part_name(entity, partition)) for partition in plan.partitions(entity)]
            total = sum(plan.count(entity, partition) for partition in plan.partitions(entity))
            settled = sum(one.discovered - one.pending for one in totals)
            done = settled == total and any(one.discovered for one in totals)
            step = "done" if done else "loading" if settled else _step(workspace, plan, entity)
            progress.update(task, total=total, completed=settled, step=step)
    progress.update(proof, visible=all(task.fields["step"] == "done" for task in progress.tasks if task.id != proof))


def _step(workspace: Workspace, plan: Plan, entity: EntityName) -> str:
    """What has been done for the entity before loading, by what stands in the job folder."""
    for stage, doing in (("mapped", "mapped"), ("extracted", "read")):
        if all(Dataset.exists(workspace.stage(stage, entity, partition)) for partition in plan.partitions(entity)):
            return doing
    return ""
