"""How tests find their way in a report.json."""

from __future__ import annotations


def of(entry: dict, machine: str = "mf_mac") -> dict:
    """What a `passes` entry, or the totals, say of one machine."""
    return entry["machines"][machine]


def energy_of(report: dict, machine: str = "mf_mac", accounting: str = "operation",
              table: str | None = None) -> dict:  # fmt: skip
    (found,) = [
        energy for energy in report["energy"]
        if energy["machine"] == machine and energy["accounting"] == accounting
        and table in (None, energy["table"])
    ]  # fmt: skip
    return found


def reduction_of(report: dict, to: str = "fp32_mac", accounting: str = "operation",
                 table: str | None = None, zeros_gated: bool = False,
                 dram_high: bool = False) -> float | None:  # fmt: skip
    (found,) = [
        one for one in report["comparisons"]
        if one["to"] == to and one["accounting"] == accounting and table in (None, one["table"])
        and one["zeros_gated"] == zeros_gated and one["dram_high"] == dram_high
    ]  # fmt: skip
    return found["reduction"]


def method_of(report: dict, name: str, accounting: str = "operation",
              table: str | None = None) -> dict:  # fmt: skip
    (found,) = [
        one for one in report["methods"]
        if one["name"] == name and one["accounting"] == accounting
        and table in (None, one["table"])
    ]  # fmt: skip
    return found
