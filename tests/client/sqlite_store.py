"""SQLite as a workload under power cuts: transactions that each touch two tables."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tantala.chip.block_device import ByteDevice
from tantala.chip.sqlite_vfs import ChipDatabase

ACCOUNTS = 8
ENTRIES = 24  # kept in the ledger
LARGEST = 900  # bytes of one entry's note: over a page of 512
TABLES = """
CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER);
CREATE TABLE ledger(number INTEGER PRIMARY KEY, amount INTEGER, note BLOB);
"""


@dataclass(frozen=True)
class Books:
    """All that the database holds: balances, and the ledger's last entries."""

    balances: tuple[int, ...] = (0,) * ACCOUNTS
    ledger: tuple[tuple[int, int, bytes], ...] = ()


@dataclass(frozen=True)
class Transfer:
    """One transaction: an amount from one account to another, and its entry."""

    number: int
    giver: int
    taker: int
    amount: int
    note: bytes


class SqliteWorkload:
    """Transfers between accounts, in journal mode "delete", "persist" or "wal"."""

    def __init__(
        self,
        seed: int,
        journal: str,
        *,
        cache: int = 0,
        device: Any = ByteDevice,
        database: Any = ChipDatabase,
    ) -> None:
        self._seed = seed
        self._journal = journal
        self._cache = cache
        self._device = device
        self._database = database
        self.start = Books()

    def create(self, memory: Any) -> None:
        # An honest device: what a liar is caught at is what it acknowledges later.
        store = SqliteStore(ChipDatabase(ByteDevice(memory), self._journal))
        store.execute("BEGIN;" + TABLES)
        for account in range(ACCOUNTS):
            store.execute("INSERT INTO account VALUES(?, 0)", (account,))
        store.execute("COMMIT")
        store.connection.close()

    def open(self, memory: Any) -> SqliteStore:
        device = self._device(memory, cache=self._cache)
        return SqliteStore(self._database(device, self._journal))

    def change(self, state: Books, number: int) -> tuple[Transfer, Books]:
        draw = random.Random(f"{self._seed}/{number}")
        giver, taker = draw.sample(range(ACCOUNTS), 2)
        note = draw.randbytes(draw.randint(10, LARGEST))
        transfer = Transfer(number, giver, taker, draw.randint(1, 1000), note)
        balances = list(state.balances)
        balances[giver] -= transfer.amount
        balances[taker] += transfer.amount
        entry = (number, transfer.amount, note)
        return transfer, Books(tuple(balances), (*state.ledger, entry)[-ENTRIES:])

    def halfway(self, state: Books, change: Transfer) -> list[Books]:
        """A transaction is whole or not there."""
        return []


class SqliteStore:
    """An open database."""

    def __init__(self, connection: ChipDatabase) -> None:
        self.connection = connection
        self.execute("PRAGMA temp_store=MEMORY")
        self.execute("PRAGMA wal_autocheckpoint=16")  # pages, so that checkpoints are cut too

    def execute(self, statements: str, values: tuple[Any, ...] | None = None) -> list[Any]:
        return list(self.connection.execute(statements, values))

    def contents(self) -> Books:
        sound = self.execute("PRAGMA integrity_check")
        if sound != [("ok",)]:
            raise RuntimeError(f"integrity_check: {sound[:3]}")
        balances = self.execute("SELECT balance FROM account ORDER BY id")
        ledger = self.execute("SELECT number, amount, note FROM ledger ORDER BY number")
        return Books(tuple(balance for (balance,) in balances), tuple(ledger))

    def apply(self, change: Transfer) -> None:
        move = "UPDATE account SET balance = balance + ? WHERE id = ?"
        self.execute("BEGIN")
        self.execute(move, (-change.amount, change.giver))
        self.execute(move, (change.amount, change.taker))
        entry = (change.number, change.amount, change.note)
        self.execute("INSERT INTO ledger VALUES(?, ?, ?)", entry)
        self.execute("DELETE FROM ledger WHERE number <= ?", (change.number - ENTRIES,))
        self.execute("COMMIT")
