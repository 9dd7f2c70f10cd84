"""What was done, how long it took, and the table of it at the end."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional


@dataclass
class Row:
    """A line of the table."""

    step: str
    seconds: float
    logical_bytes: Optional[int] = None
    stored_bytes: Optional[int] = None
    image_id: str = ""
    root_id: str = ""


def size(count: Optional[int]) -> str:
    """Bytes for people: 67108864 is 64.0 MiB."""
    if count is None:
        return ""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return ""


class Ledger:
    """The steps so far; those before this program are read from a file."""

    def __init__(self, earlier: Path) -> None:
        self.rows: list[Row] = []
        for line in earlier.read_text().splitlines() if earlier.exists() else []:
            name, _, seconds = line.partition("\t")
            self.rows.append(Row(name, float(seconds)))
        self.bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    @contextmanager
    def step(self, name: str) -> Iterator[Row]:
        """Does a step: its time goes into the table, also when it fails."""
        print(f"\n== {name}", flush=True)
        row = Row(name, 0.0)
        began = time.monotonic()
        try:
            yield row
        except BaseException:
            row.step += " (FAILED)"
            raise
        finally:
            row.seconds = time.monotonic() - began
            self.rows.append(row)

    def print_table(self) -> None:
        """The table; ids stand below it, since they are long."""
        head = ("step", "seconds", "logical", "stored")
        lines = [
            (r.step, f"{r.seconds:.2f}", size(r.logical_bytes), size(r.stored_bytes))
            for r in self.rows
        ]
        lines.append(("all", f"{sum(r.seconds for r in self.rows):.2f}", "", ""))
        widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
        print()
        for line in [head, *lines]:
            cells = [line[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
            text = "  ".join(cells).rstrip()
            print(f"\033[1m{text}\033[0m" if self.bold and line is head else text)
        for row in self.rows:
            if row.image_id:
                print(f"image id  {row.image_id}")
                print(f"root id   {row.root_id}")
                print(f"bytes     {row.logical_bytes} logical, {row.stored_bytes} stored")
