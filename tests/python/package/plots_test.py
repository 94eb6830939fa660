"""Figures of a result: what is drawn is what the report says."""

import subprocess
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pytest
from conftest import TRACES

import potomac


@pytest.fixture(scope="module")
def result():
    return potomac.run(TRACES[0], energy="horowitz-45nm", accounting="structural", step="adam",
                       set={"memory.dram.bandwidth_gb_s": 12.8})  # fmt: skip


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


def bars_of(axes):
    """Widths of the bars by the legend's names, from top to bottom."""
    return {bars.get_label(): [bar.get_width() for bar in bars] for bars in axes.containers}


def energies(result, machine):
    return next(one for one in result.report["energy"]
                if (one["machine"], one["accounting"]) == (machine, "structural"))  # fmt: skip


@pytest.mark.parametrize("by", ["machine", "layer", "pass", "gemm"])
def test_energy(result, by):
    axes = result.plot_energy(by=by)
    bars = bars_of(axes)
    assert list(bars) == ["arithmetic", "registers", "clock", "scratchpads", "dram"]
    if by == "machine":
        rows = [one for one in result.report["energy"] if one["accounting"] == "structural"]
        assert [text.get_text() for text in axes.get_yticklabels()] == [one["machine"] for one in rows]
    else:
        rows = energies(result, "mf_mac")[f"by_{by}"]
    for i, row in enumerate(rows):
        assert sum(bars[name][i] for name in bars) * 1e6 == pytest.approx(row["total"], rel=1e-12)
        for name in bars:
            assert bars[name][i] * 1e6 == pytest.approx(row["by_component"][name], rel=1e-12)
    assert "uJ (horowitz-45nm, structural)" in axes.get_xlabel()


@pytest.mark.parametrize("machine", ["mf_mac", "fp32_mac"])
def test_cycles(result, machine):
    bars = bars_of(result.plot_cycles(machine))
    array = result.report["machines"][machine]["array"]
    for i, entry in enumerate(result.report["passes"]):
        did = entry["machines"][machine]
        whole = array["rows"] * array["cols"] * did["cycles"]["total"]
        assert sum(shares[i] for shares in bars.values()) == pytest.approx(1, rel=1e-12)
        fired = did["macs"] - did["actions"]["gated_mac"]
        assert bars["MAC"][i] * whole == pytest.approx(fired, rel=1e-12)
        assert bars["fill"][i] * whole == pytest.approx(did["actions"]["idle_fill_pe_cycle"], abs=1e-6)


def test_traffic(result):
    axes = result.plot_traffic("fp32_mac")
    bars = bars_of(axes)
    marks = axes.lines[0].get_xdata()
    for i, entry in enumerate(result.report["passes"]):
        memory = entry["machines"]["fp32_mac"]["memory"]
        moved = memory["dram"]["read_bits"] + memory["dram"]["written_bits"]
        assert sum(one[i] for one in bars.values()) * 8e6 == pytest.approx(moved, rel=1e-12)
        assert marks[i] * 8e6 == pytest.approx(memory["compulsory_bits"])


def test_roofline(result):
    axes = result.plot_roofline()
    roof = axes.lines[0].get_xydata()
    array = result.report["machines"]["mf_mac"]["array"]
    assert roof[-1][1] == array["rows"] * array["cols"]
    # 12.8 GB/s at 500 MHz.
    assert roof[0][1] / roof[0][0] == pytest.approx(25.6)
    for points, machine in zip(axes.collections, ("mf_mac", "fp32_mac")):
        drawn = [tuple(point) for point in points.get_offsets()]
        assert drawn == [
            pytest.approx((did["memory"]["macs_per_byte"], did["macs"] / did["cycles"]["total"]))
            for did in (entry["machines"][machine] for entry in result.report["passes"])
        ]


def test_reduction(result):
    axes = result.plot_reduction()
    ends = [bar.get_y() + bar.get_height() for bar in axes.patches]
    mf_mac, fp32 = energies(result, "mf_mac"), energies(result, "fp32_mac")
    assert ends[0] == pytest.approx(
        1 - mf_mac["by_component"]["arithmetic"] / fp32["by_component"]["arithmetic"])  # fmt: skip
    assert ends[-2] == pytest.approx(1 - mf_mac["total"] / fp32["total"])
    step = next(one for one in result.report["step"]["comparisons"]
                if one["accounting"] == "structural" and one["to"] == "fp32_mac" and not one["dram_high"])  # fmt: skip
    assert ends[-1] == pytest.approx(step["reduction"])


def test_axes_of_ones_own(result):
    figure, (left, right) = plt.subplots(1, 2)
    assert result.plot_energy(ax=left) is left and result.plot_reduction(ax=right) is right
    assert plt.get_fignums() == [figure.number]


def test_what_cannot_be_drawn_says_why(result):
    with pytest.raises(potomac.InputError, match="by 'net' is not known; use machine, layer"):
        result.plot_energy(by="net")
    with pytest.raises(potomac.InputError, match="has no energy by table x, accounting any"):
        result.plot_reduction(table="x")
    with pytest.raises(potomac.InputError, match="there is no machine 'gpu'; use mf_mac"):
        result.plot_cycles("gpu")
    with pytest.raises(potomac.InputError, match="run it with a memory"):
        potomac.run(TRACES[0], engine="count").plot_traffic()


def test_the_page_is_the_command_lines(result, program, tmp_path):
    result.save(tmp_path / "run")
    result.save_page(tmp_path / "new/page.html")
    program("report", "run", "--html", "cli.html")
    # They name the run after where it is from, and are the same but for that.
    ours = (tmp_path / "new/page.html").read_text()
    theirs = (tmp_path / "cli.html").read_text()
    assert ours.replace('"name":"result"', '"name":"run"', 1) == theirs
    assert potomac.report(result, format="html") == ours.replace('"name":"result"', '"name":"result 1"', 1)
    with pytest.raises(potomac.InputError, match="is a folder, not a file"):
        result.save_page(tmp_path)


def test_matplotlib_is_imported_with_the_first_figure():
    loaded = "import sys, potomac; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
