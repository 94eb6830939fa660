"""`report --accelergy` against a reader that goes by Accelergy's rules: its total is the report's."""

from __future__ import annotations

import json
import pathlib
import re

import pytest
import yaml


def flattened(node: dict, prefix: str = "") -> dict[str, list[dict]]:
    """The action counts of each component, by its full name."""
    counts = {}
    for local in node.get("local", []):
        counts[prefix + local["name"]] = local["action_counts"]
    for subtree in node.get("subtree", []):
        counts.update(flattened(subtree, f"{prefix}{subtree['name']}."))
    return counts


def energy_of(action: dict, actions: list[dict]) -> float:
    """The entry of that name with these arguments: there is exactly one."""
    found = [one["energy"] for one in actions
             if one["name"] == action["name"] and one["arguments"] == action.get("arguments")]  # fmt: skip
    assert len(found) == 1, action
    return found[0]


def total_of(folder: pathlib.Path) -> float:
    counts = yaml.safe_load((folder / "action_counts.yaml").read_text())
    table = yaml.safe_load((folder / "ERT.yaml").read_text())
    assert list(counts) == ["action_counts"] and list(table) == ["ERT"]
    assert counts["action_counts"]["version"] == 0.2 and table["ERT"]["version"] == 0.3
    entries = {one["name"]: one["actions"] for one in table["ERT"]["tables"]}
    assert len(entries) == len(table["ERT"]["tables"])
    total = 0.0
    for name, actions in flattened(counts["action_counts"]).items():
        # A list of components stands in the table without its brackets.
        of_component = entries[re.sub(r"\[[^\]]*\]", "", name)]
        for action in actions:
            assert set(action) <= {"name", "arguments", "counts"}
            assert isinstance(action["counts"], (int, float))
            total += action["counts"] * energy_of(action, of_component)
    return total


@pytest.mark.parametrize("options", [
    ["--energy", "paper-2302.14458"],
    ["--energy", "horowitz-45nm", "--accounting", "structural"],
    ["--energy", "horowitz-45nm", "--accounting", "structural", "--set", "memory.dram.bandwidth_gb_s=12.8"],
    ["--energy", "tpuv4i-7nm", "--accounting", "structural", "--set", "memory.dram.preset=hbm2", "--toggles",
     "--set", "array.dataflow=ws"],
])  # fmt: skip
def test_counts_times_energies_are_the_reports_total(potomac, trace, arch, options):
    # Widths that differ between layers: as many entries of one action.
    machine = potomac.folder / "machine.yaml"
    machine.write_text(arch.read_text().replace(
        "overflow: saturate}", "overflow: saturate, overrides: [{layer: '*conv2', bits: 24}]}"))  # fmt: skip
    done = potomac("run", trace, "--arch", machine, *options, "--out", "o")
    assert done.returncode == 0, done.stderr
    done = potomac("report", "o", "--accelergy", "new/accelergy")
    assert done.returncode == 0 and done.stderr == ""
    report = json.loads((potomac.folder / "o/report.json").read_text())
    shown = [one for one in report["energy"] if one["accounting"] == report["energy"][0]["accounting"]]
    written = []
    for one in shown:
        folder = potomac.folder / "new/accelergy" / one["machine"]
        assert total_of(folder) == pytest.approx(one["total"], rel=1e-12)
        written += [f"new/accelergy/{one['machine']}/{name}.yaml" for name in ("action_counts", "ERT")]
    assert done.stdout.splitlines() == written
    table = yaml.safe_load((potomac.folder / "new/accelergy/mf_mac/ERT.yaml").read_text())["ERT"]["tables"]
    widths = [one["arguments"]["bits"] for one in table[0]["actions"] if one["name"] == "accumulate"]
    assert sorted(widths) == [24, 32]


def test_what_cannot_be_written_is_one_line(potomac, trace, arch):
    assert potomac("run", trace, "--arch", arch, "--engine", "count", "--out", "o").returncode == 0
    refuses = potomac.refuses
    assert "writes one run, priced by one table" in refuses("report", "o", "o", "--accelergy", "a")
    assert "flip_flop_toggle" in refuses("report", "o", "--accelergy", "a", "--accounting", "structural")
    assert "/proc/" in refuses("report", "o", "--accelergy", "/proc/none")
    assert "none: cannot be read" in refuses("report", "none", "--accelergy", "a")
    assert "excludes" in refuses("report", "o", "--accelergy", "a", "--html", "p.html")
