"""V12: every id that a row names is there, in the same program."""

from typing import Final, NamedTuple

from regulars.storage.audit.checks import Check, Finding
from regulars.storage.database import Connection


class Reference(NamedTuple):
    """`column` of `table` names rows of `target` by its `target_column`; `key` names the table's own rows."""

    table: str
    key: str
    column: str
    target: str
    target_column: str


_KEYS: Final = {
    "accounts": "customer_id",
    "activities": "activity_id",
    "claimed_rewards": "claim_id",
    "codes": "code_key",
    "credentials": "credential_id",
    "customers": "customer_id",
    "decisions": "decision_id",
    "deficits": "movement_id",
    "deliveries": "delivery_id",
    "early_reports": "early_id",
    "events": "event_id",
    "identities": "key",
    "lot_uses": "lot_use_id",
    "lots": "lot_id",
    "merges": "decision_id",
    "movements": "movement_id",
    "orders": "order_id",
    "payments": "decision_id",
    "program_versions": "version",
    "refunds": "refund_id",
    "reward_stocks": "reward_id",
    "rewards": "reward_id",
    "sites": "site_id",
}

_NAMED: Final = """
    accounts.customer_id customers
    activities.customer_id customers
    activities.decision_id decisions
    activities.lot_id lots
    claimed_rewards.customer_id customers
    claimed_rewards.decision_id decisions
    claimed_rewards.movement_id movements
    claimed_rewards.order_id orders
    claimed_rewards.returned_id movements
    claimed_rewards.reward_id rewards
    claimed_rewards.site_id sites
    codes.claim_id claimed_rewards
    codes.reward_id rewards
    credentials.site_id sites
    customers.merged_into customers
    decisions.customer_id customers
    decisions.order_id orders
    deficits.customer_id accounts
    deficits.movement_id movements
    deliveries.credential_id credentials
    deliveries.decision_id decisions
    early_reports.applied_by decisions
    early_reports.decision_id decisions
    early_reports.site_id sites
    events.customer_id customers
    events.decision_id decisions
    events.movement_id movements
    events.order_id orders
    identities.decision_id decisions
    lot_uses.decision_id decisions
    lot_uses.lot_id lots
    lot_uses.movement_id movements
    lots.customer_id customers
    lots.movement_id movements
    lots.order_id orders
    merges.customer_id customers
    merges.decision_id decisions
    merges.into_id customers
    movements.claim_id claimed_rewards
    movements.customer_id customers
    movements.decision_id decisions
    movements.lot_id lots
    movements.order_id orders
    movements.undoes_id movements
    orders.customer_id customers
    orders.lot_id lots
    orders.rule_version program_versions
    orders.site_id sites
    payments.decision_id decisions
    payments.order_id orders
    refunds.decision_id decisions
    refunds.order_id orders
    reward_stocks.reward_id rewards
"""


def references() -> list[Reference]:
    """Every reference within a program, whether a foreign key guards it or not."""
    found = []
    for line in _NAMED.split("\n"):
        if line.strip():
            source, target = line.split()
            table, column = source.split(".")
            found.append(Reference(table, _KEYS[table], column, target, _KEYS[target]))
    return found


def _dangling(reference: Reference) -> str:
    table, key, column, target, target_column = reference
    return f"""
    select concat('{table}: {key} ', r."{key}") as subject, concat('{column} ', r.{column}) as saw,
           'a row of {target} in this program' as expected
      from {table} r left join {target} t on t.program_id = $1 and t.{target_column} = r.{column}
     where r.program_id = $1 and r.{column} is not null and t.{target_column} is null
    """


CHECKS: Final = tuple(Check("V12", _dangling(reference)) for reference in references())


async def without_program(connection: Connection) -> list[tuple[int, Finding]]:
    """(program id, finding) for each table and id under which rows are kept without such a program."""
    tables = [*_KEYS, "heads"]
    union = " union all ".join(
        f"select '{table}' as name, program_id, count(*) as rows from {table} group by program_id"
        for table in tables
    )
    rows = await connection.fetch(
        f"select counted.* from ({union}) as counted left join programs using (program_id) "
        "where programs.program_id is null order by program_id, name"
    )
    return [
        (row["program_id"], Finding(row["name"], f"{row['rows']} rows", "none: there is no such program"))
        for row in rows
    ]
