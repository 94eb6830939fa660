"""Figures of a result, drawn with matplotlib, which is imported with the first of them: methods of
Result.

Each draws into `ax`, or into axes of a figure of its own, and returns these axes.
"""

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

from ._native import InputError

if TYPE_CHECKING:
    from ._results import Result

COMPONENTS = ("arithmetic", "registers", "clock", "scratchpads", "dram")
# Colours that people who see few of them tell apart, too.
COLOURS = ("#0067a5", "#00805a", "#b8860b", "#a04a8c", "#d1580a", "#4aa3d8", "#7a8594", "#b03a48")
# What a PE does in its cycles: (name, colour, actions).
CAUSES = (
    ("zero-gated", 5, "gated_mac"), ("edge", 3, "idle_edge_pe_cycle"), ("fill", 2, "idle_fill_pe_cycle"),
    ("preload", 1, "idle_preload_pe_cycle"), ("drain", 6, "idle_drain_pe_cycle"),
    ("stall", 7, "idle_stall_pe_cycle"),
)  # fmt: skip
TRAFFIC = (
    ("first operand, read", 0, "first_bits"), ("second operand, read", 1, "second_bits"),
    ("spilled sums, read", 3, "sums_bits"),
)  # fmt: skip


def plot_energy(
    self: "Result", by: str = "machine", machine: str = "mf_mac", table: Optional[str] = None,
    accounting: Optional[str] = None, ax: Any = None,
) -> Any:  # fmt: skip
    """Energy in uJ, by component: of each machine, or of one by "layer", "pass" or "gemm"."""
    report = self.report
    if by == "machine":
        first = _energy(report, machine, table, accounting)
        entries = [one for one in report["energy"]
                   if (one["table"], one["accounting"]) == (first["table"], first["accounting"])]  # fmt: skip
        rows = [(one["machine"], one) for one in entries]
    elif by in ("layer", "pass", "gemm"):
        first = _energy(report, machine, table, accounting)
        rows = [(" ".join(row[key] for key in ("layer", "pass") if key in row), row)
                for row in first[f"by_{by}"]]  # fmt: skip
    else:
        raise InputError(f"plot_energy: by '{by}' is not known; use machine, layer, pass or gemm")
    parts = [
        (name, COLOURS[i], [(row["by_component"][name] or 0) / 1e6 for _, row in rows])
        for i, name in enumerate(COMPONENTS)
        if any(row["by_component"][name] is not None for _, row in rows)
    ]
    axes = _stacked(ax, [name for name, _ in rows], parts)
    axes.set_xlabel(f"energy, uJ ({first['table']}, {first['accounting']})")
    return axes


def plot_cycles(self: "Result", machine: str = "mf_mac", ax: Any = None) -> Any:
    """What the PEs do in their cycles, pass by pass: shares that make 1. MACs whose gating is not
    known count as MACs."""
    rows, entries = _passes(self.report, machine)
    whole, parts = [], []
    for entry in entries:
        actions = entry["actions"]
        whole.append(entry["macs"] + sum(actions[a] for _, _, a in CAUSES if a != "gated_mac"))
    gated = [entry["actions"]["gated_mac"] or 0 for entry in entries]
    fired = [entry["macs"] - g for entry, g in zip(entries, gated)]
    parts.append(("MAC", COLOURS[0], [f / w for f, w in zip(fired, whole)]))
    for name, colour, action in CAUSES:
        counts = [entry["actions"][action] or 0 for entry in entries]
        if any(counts):
            parts.append((name, COLOURS[colour], [c / w for c, w in zip(counts, whole)]))
    axes = _stacked(ax, rows, parts)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"share of the PEs' cycles ({machine})")
    return axes


def plot_traffic(self: "Result", machine: str = "mf_mac", ax: Any = None) -> Any:
    """DRAM traffic of each pass in MB, and a mark where it would be with each element moved once."""
    rows, entries = _passes(self.report, machine, "memory")
    memory = [entry["memory"] for entry in entries]
    parts = [(name, COLOURS[i], [one[key] / 8e6 for one in memory])
             for name, i, key in TRAFFIC if any(one[key] for one in memory)]  # fmt: skip
    parts.append(("results, written", COLOURS[2],
                  [one["dram"]["written_bits"] / 8e6 for one in memory]))  # fmt: skip
    axes = _stacked(ax, rows, parts)
    axes.plot([one["compulsory_bits"] / 8e6 for one in memory], range(len(rows)), "|",
              color="black", markersize=12, label="compulsory")  # fmt: skip
    _legend_above(axes)
    axes.set_xlabel(f"DRAM traffic, MB ({machine})")
    return axes


def plot_roofline(
    self: "Result", machines: Sequence[str] = ("mf_mac", "fp32_mac"), ax: Any = None
) -> Any:
    """MACs a cycle of each pass over its MACs for each byte of DRAM traffic, under the array's peak."""
    report = self.report
    axes = _axes(ax, 4.0)
    array = report["machines"]["mf_mac"]["array"]
    peak = array["rows"] * array["cols"]
    slopes, intensities = [], []
    for i, machine in enumerate(machines):
        _, entries = _passes(report, machine, "memory")
        points = [
            (entry["memory"]["macs_per_byte"], entry["macs"] / entry["cycles"]["total"])
            for entry in entries
            if entry["memory"]["macs_per_byte"]
        ]
        axes.scatter(*zip(*points), marker="o^sDP"[i % 5], color=COLOURS[(0, 4, 1, 3, 2)[i % 5]],
                     label=machine, zorder=3)  # fmt: skip
        intensities += [x for x, _ in points]
        # Under the roof a point's share of the peak is what DRAM's bandwidth makes of its intensity.
        slopes += [entry["memory"]["roofline"] * peak / entry["memory"]["macs_per_byte"]
                   for entry in entries if 0 < (entry["memory"]["roofline"] or 1) < 1]  # fmt: skip
    low, high = min(intensities) / 2, max(intensities) * 2
    if slopes:
        corner = peak / slopes[0]
        high = max(high, corner * 2)
        axes.plot([low, corner, high], [low * slopes[0], peak, peak], color="black")
    else:
        axes.plot([low, high], [peak, peak], color="black")
    axes.set(xscale="log", yscale="log", xlabel="MACs for each byte of DRAM traffic",
             ylabel="MACs a cycle")  # fmt: skip
    axes.legend(frameon=False)
    return axes


def plot_reduction(
    self: "Result", table: Optional[str] = None, accounting: Optional[str] = None, ax: Any = None
) -> Any:
    """How much less MF-MAC takes than FP32, as one component after the other is counted; and of the
    whole training step, if it was asked for."""
    report = self.report
    mf_mac = _energy(report, "mf_mac", table, accounting)
    fp32 = _energy(report, "fp32_mac", mf_mac["table"], mf_mac["accounting"])
    names, values = [], []
    of_mf_mac = of_fp32 = 0.0
    for name in COMPONENTS:
        if mf_mac["by_component"][name] is not None:
            of_mf_mac += mf_mac["by_component"][name]
            of_fp32 += fp32["by_component"][name]
            names.append(f"and\n{name}" if names else f"{name}\nalone")
            values.append(1 - of_mf_mac / of_fp32)
    for one in (report["step"] or {"comparisons": []})["comparisons"]:
        if (one["to"], one["table"], one["accounting"], one["dram_high"]) == (
            "fp32_mac", mf_mac["table"], mf_mac["accounting"], False):  # fmt: skip
            names.append("the whole\nstep")
            values.append(one["reduction"])
    axes = _axes(ax, 3.0)
    before = [0.0, *values[:-1]]
    axes.bar(names, [v - b for v, b in zip(values, before)], bottom=before,
             color=[COLOURS[0], *[COLOURS[7]] * (len(values) - 1)])  # fmt: skip
    for i, value in enumerate(values):
        axes.annotate(f"{100 * value:.1f}%", (i, max(value, before[i])), ha="center", va="bottom")
    axes.set_ylim(min(0.0, *values), 1.1)
    axes.set_ylabel(f"less than FP32 ({mf_mac['table']})")
    return axes


def _energy(
    report: Dict[str, Any], machine: str, table: Optional[str], accounting: Optional[str]
) -> Dict[str, Any]:
    """The first entry that was asked for."""
    for one in report["energy"]:
        if (one["machine"] == machine and table in (None, one["table"])
                and accounting in (None, one["accounting"])):  # fmt: skip
            found: Dict[str, Any] = one
            return found
    raise InputError(
        f"plot: {machine} has no energy by table {table or 'any'}, accounting {accounting or 'any'}; "
        "result.energy has what there is")  # fmt: skip


def _passes(
    report: Dict[str, Any], machine: str, group: str = ""
) -> Tuple[List[str], List[Dict[str, Any]]]:
    """Names of the passes that a machine runs, and what it did in each."""
    if machine not in report["machines"]:
        raise InputError(f"plot: there is no machine '{machine}'; use {', '.join(report['machines'])}")
    names, entries = [], []
    for entry in report["passes"]:
        did = entry["machines"][machine]
        if did["macs"] and (not group or did[group] is not None):
            names.append(f"{entry['layer']} {entry['pass']}")
            entries.append(did)
    if not entries:
        raise InputError(f"plot: {machine} has no {group or 'pass'} to draw; run it with a {group or 'pass'}")
    return names, entries


def _axes(ax: Any, height: float) -> Any:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(7, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _stacked(ax: Any, names: Sequence[str], parts: Sequence[Tuple[str, str, Sequence[float]]]) -> Any:
    """Horizontal bars, the first one on top."""
    axes = _axes(ax, 1.5 + 0.22 * len(names))
    left = [0.0] * len(names)
    for name, colour, values in parts:
        axes.barh(range(len(names)), values, left=left, color=colour, label=name)
        left = [a + b for a, b in zip(left, values)]
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    _legend_above(axes)
    return axes


def _legend_above(axes: Any) -> None:
    axes.legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))
