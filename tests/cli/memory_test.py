"""Machines with a memory, from the outside: what a report says of it, recomputed without our code."""

from __future__ import annotations

import csv
import itertools
import json
import pathlib

import pytest
from reports import energy_of, method_of, of, reduction_of

SOURCE = pathlib.Path(__file__).resolve().parents[2]

MACHINE = """\
array: {{rows: 16, cols: 16, dataflow: {dataflow}, issue: serial}}
memory:
  first: {{kib: {kib}}}
  second: {{kib: {kib}}}
  results: {{kib: {kib}}}
  dram: {dram}
"""


def write_machine(potomac, dataflow="os", kib=8, dram="{bandwidth_gb_s: 4, latency_ns: 20}"):
    (potomac.folder / "m.yaml").write_text(
        MACHINE.format(dataflow=dataflow, kib=kib, dram=dram)
    )


def passes_of(potomac, trace, *more):
    done = potomac("run", trace, "--arch", "m.yaml", "--out", "o", *more)
    assert done.returncode == 0, done.stderr
    return json.loads((potomac.folder / "o/report.json").read_text())["passes"]


def blocks(extent, block):
    return [min(block, extent - begin) for begin in range(0, extent, block)]


def tiles_of(gemm, tile):
    """The blocks of m, n and k of one GEMM, in the order of the loops, by their positions."""
    order = tile["loop_order"].split(",")
    ranges = [range(-(-gemm[index] // tile[index])) for index in order]
    for at in itertools.product(*ranges):
        yield dict(zip(order, at))


def traffic_of(gemm, tile, bits):
    """Bits that pass DRAM for a dense GEMM, fetched and stored as tile follows tile."""
    total, before = 0, None
    size = {i: blocks(gemm[i], tile[i]) for i in "mnk"}
    for now in tiles_of(gemm, tile):
        new = [before is None or any(now[i] != before[i] for i in pair) for pair in ("mk", "nk", "mn")]
        m, n, k = (size[i][now[i]] for i in "mnk")
        total += new[0] * m * k * bits[0] + new[1] * n * k * bits[1]
        total += new[2] * m * n * bits[2] * (2 if now["k"] > 0 else 1)
        before = now
    return total


def least_traffic(gemm, bits, half, dataflow):
    """The least of all blocks that fit and of all orders, with as few candidates as are needed."""
    units = {"os": (16, 16, 1), "ws": (1, 16, 16), "is": (16, 1, 16)}[dataflow]

    def choices(extent, unit):
        steps = -(-extent // unit)
        return sorted({min(-(-steps // count) * unit, extent) for count in range(1, steps + 1)})

    least = None
    for m, n, k in itertools.product(*(choices(gemm[i], u) for i, u in zip("mnk", units))):
        if m * k * bits[0] > half or n * k * bits[1] > half or m * n * bits[2] > half:
            continue
        for order in itertools.permutations("mnk"):
            if dataflow == "os" and k < gemm["k"] and (m > 16 or n > 16 or order[-1] != "k"):
                continue
            tile = {"m": m, "n": n, "k": k, "loop_order": ",".join(order)}
            trips = {i: -(-gemm[i] // tile[i]) for i in "mnk"}
            if trips["m"] * trips["n"] * trips["k"] > 4096:
                continue  # many small tiles: never the least here, and slow to walk
            found = traffic_of(gemm, tile, bits)
            least = found if least is None else min(least, found)
    return least


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
def test_traffic_of_linear_layers_is_the_least_there_is(potomac, trace, dataflow):
    write_machine(potomac, dataflow, kib=4)
    half = 4 * 8192 // 2
    for record in passes_of(
        potomac, trace, "--layers", "004*", "--engine", "count", "--set", "memory.objective=traffic"
    ):
        (gemm,) = record["gemms"]
        for machine, bits in (("mf_mac", None), ("fp32_mac", (32, 32, 32))):
            entry = of(record, machine)
            memory = entry["memory"]
            if bits is None:
                # The widths of the codes, from the compulsory traffic: A, W of 5 bits, G of 5 or 6.
                first = memory["first"]["written_bits"] // (gemm["m"] * gemm["k"])
                second = memory["second"]["written_bits"] // (gemm["n"] * gemm["k"])
                visits = [-(-first // 6), -(-second // 6)]
                bits = (first // visits[0], second // visits[1], 32)
                assert set(bits[:2]) <= {5, 6}
            (tile,) = entry["tiles"]
            dram = memory["dram"]
            assert dram["read_bits"] + dram["written_bits"] == traffic_of(gemm, tile, bits)
            assert traffic_of(gemm, tile, bits) == least_traffic(gemm, bits, half, dataflow)


def stalls_of(gemm, tile, bits, bits_per_cycle, latency):
    """Cycles of an os array with three double-buffered scratchpads, serial issue, one GEMM."""
    size = {i: blocks(gemm[i], tile[i]) for i in "mnk"}
    bus, held, fold_begin = 0.0, 0, 0
    halves = {"first": [0, 0], "second": [0, 0], "results": [0, 0]}
    used = dict.fromkeys(halves, 0)
    left, before, last_slot, stalls = [], None, [], dict.fromkeys(halves, 0)

    def transfer(wanted, amount, wait):
        nonlocal bus
        bus = max(bus, wanted + wait) + amount / bits_per_cycle
        return int(-(-bus // 1))

    ready = dict.fromkeys(halves, 0)
    for number, now in enumerate(tiles_of(gemm, tile)):
        m, n, k = (size[i][now[i]] for i in "mnk")
        new = {
            name: before is None or any(now[i] != before[i] for i in pair)
            for name, pair in (("first", "mk"), ("second", "nk"), ("results", "mn"))
        }
        if new["results"] and before is not None:
            left.append((number - 1, used["results"] % 2, last_slot[-1] + 47, before_results))
        for name, amount in (("first", m * k * bits[0]), ("second", n * k * bits[1])):
            if new[name]:
                used[name] += 1
                ready[name] = transfer(halves[name][used[name] % 2], amount, latency)
        while left and left[0][0] <= number - 2:
            _, half, complete, amount = left.pop(0)
            halves["results"][half] = transfer(complete, amount, 0)
        if new["results"]:
            used["results"] += 1
            ready["results"] = halves["results"][used["results"] % 2]
        before_results = m * n * bits[2]
        folds = -(-m // 16) * -(-n // 16)
        k_begin = now["k"] * tile["k"]
        cycle = fold_begin + k_begin + held
        for name in ("first", "second", "results"):
            stalls[name] += max(0, ready[name] - cycle)
            cycle = max(cycle, ready[name])
        held = cycle - fold_begin - k_begin
        share = gemm["k"] + 30
        last = fold_begin + (folds - 1) * share + k_begin + k - 1 + held
        last_slot.append(last)
        halves["first"][used["first"] % 2] = halves["second"][used["second"] % 2] = last + 1
        if k_begin + k == gemm["k"]:
            fold_begin += folds * share
        before = now
    left.append((None, used["results"] % 2, last_slot[-1] + 47, before_results))
    end = fold_begin + 16 + held
    for _, _, complete, amount in left:
        done = transfer(complete, amount, 0)
    stalls["results"] += max(0, done - end)
    return stalls


@pytest.mark.parametrize("kib", [2, 8, 64])
def test_stalls_of_linear_layers_are_those_of_the_documented_rules(potomac, trace, kib):
    write_machine(potomac, "os", kib=kib)
    for record in passes_of(potomac, trace, "--layers", "003*", "--layers", "004*"):
        (gemm,) = record["gemms"]
        fp32_mac = of(record, "fp32_mac")
        (tile,) = fp32_mac["tiles"]
        # 4 GB/s at 500 MHz are 64 bits a cycle, so every transfer of FP32 is exact in binary.
        stalls = stalls_of(gemm, tile, (32, 32, 32), 64, 10)
        assert stalls == fp32_mac["stall_by"], (record["layer"], record["pass"])
        assert sum(stalls.values()) == fp32_mac["cycles"]["stall"]


def test_all_engines_say_the_same_of_a_memory(potomac, trace):
    write_machine(potomac, "ws", kib=4)
    reports = [
        passes_of(potomac, trace, "--layers", "004*", "--simulate-baseline", "--engine", engine)
        for engine in ("systemc", "fast")
    ]
    assert reports[0] == reports[1]
    assert all(of(record)["cycles"]["stall"] > 0 for record in reports[0])
    counted = passes_of(potomac, trace, "--layers", "004*", "--engine", "count")
    for one, other in zip(counted, reports[1]):
        for machine in ("mf_mac", "fp32_mac"):
            for key in ("cycles", "stall_by", "tiles", "memory"):
                assert of(one, machine)[key] == of(other, machine)[key]


def test_a_stored_report_is_read_again(potomac, trace):
    write_machine(potomac, "is", kib=16)
    passes_of(potomac, trace, "--engine", "count")
    shown = potomac("report", "o")
    assert shown.returncode == 0, shown.stderr
    assert "waits for" in shown.stdout
    report = json.loads((potomac.folder / "o/report.json").read_text())
    of(report["passes"][3])["stall_by"]["first"] += 1
    (potomac.folder / "o/report.json").write_text(json.dumps(report))
    assert "stall_by is not cycles.stall" in potomac.refuses("report", "o")


def test_a_sweep_varies_the_memory(potomac, trace):
    write_machine(potomac, "os", kib=64)
    (potomac.folder / "s.yaml").write_text(
        f"trace: {trace}\narch: m.yaml\nengine: count\nparameters:\n"
        "  memory.first.kib: [1, 4, 64]\n  memory.dram.bandwidth_gb_s: [1, 10]\n"
        "  array.rows: [16, 1024]\n"
    )
    done = potomac("sweep", "s.yaml", "--out", "o")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((potomac.folder / "o/sweep.csv").open()))
    assert len(rows) == 12
    for row in rows:
        # 1024 x 16 sums of 32 bits do not fit half of 64 KiB.
        assert row["status"] == ("refused" if row["array.rows"] == "1024" else "done"), row
    stalls = [int(row["mf_mac_cycles_stall"]) for row in rows if row["array.rows"] == "16"]
    assert all(slow >= fast for slow, fast in zip(stalls[::2], stalls[1::2]))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("memory.dram.bandwidth_gb_s=0", "memory.dram.bandwidth_gb_s"),
        ("memory.first.kib=0", "memory.first.kib"),
        ("memory.second.word_bits=4", "memory.second.word_bits: a word of 4 bits is narrower"),
        ("array.cols=1024", "set memory.results.kib to 128 or more"),
        ("memory.dram=fast", "memory.dram"),
        ("memory.results.word_bits=16", "set memory.results.word_bits to 32 or more"),
        ("memory.dram.lookahead=0", "is not a whole number from 1 to 64"),
        ("memory.dram.channels=3", "3 channels are no power of two"),
        ("memory.tiles=[{m: 100}]", "memory.tiles[0].m: layer 000-conv1: 100 is neither all"),
        (
            "memory.tiles=[{layer: conv1, m: 448}, {layer: conv2, k: 288}]",
            "memory.tiles[0]: layer 000-conv1: a tile's 7168 elements of 32 bits are 196608 bits more "
            "than the 32768 of memory.results (half of it) on the MF-MAC array",
        ),
        ("memory.tiles=[{layer: none}]", "memory.tiles[0]: no pass is of a layer 'none'"),
    ],
)
def test_a_memory_that_cannot_be_is_refused(potomac, trace, setting, said):
    write_machine(potomac)
    assert said in potomac.refuses("run", trace, "--arch", "m.yaml", "--set", setting, "--out", "o")


def test_tiles_that_are_given_are_taken_and_judged(potomac, trace):
    write_machine(potomac, "ws", kib=64)
    tiles = "[{layer: 'fc?', m: 16, n: 32, k: 128}, {layer: fc1, pass: forward, machine: mf_mac, k: 64, loop_order: 'k,n,m'}]"
    for record in passes_of(potomac, trace, "--engine", "count", "--set", f"memory.tiles={tiles}"):
        (gemm,) = record["gemms"][:1]
        given = "-fc" in record["layer"]
        for machine in ("mf_mac", "fp32_mac"):
            entry = of(record, machine)
            assert entry["tiles_chosen_for"] == ("given" if given else "time")
            cost = entry["tiles_cost"]
            assert cost["time"]["cycles"] <= min(cost["cycles"], cost["traffic"]["cycles"])
            assert cost["traffic"]["dram_bits"] <= min(cost["dram_bits"], cost["time"]["dram_bits"])
            if len(record["gemms"]) == 1:  # alone, it takes what it was judged to take
                assert cost["cycles"] == entry["cycles"]["total"]
            dram = entry["memory"]["dram"]
            assert cost["dram_bits"] == dram["read_bits"] + dram["written_bits"]
            if given:
                own = machine == "mf_mac" and record["layer"] == "003-fc1" and record["pass"] == "forward"
                (tile,) = entry["tiles"]
                expected = {"k": 64, "loop_order": "k,n,m"} if own else {"m": 16, "n": 32, "k": 128}
                expected = {"loop_order": "m,n,k"} | {i: gemm[i] for i in "mnk"} | expected
                assert tile == {i: v if i == "loop_order" else min(v, gemm[i]) for i, v in expected.items()}


def test_a_larger_scratchpad_is_never_slower(potomac):
    (potomac.folder / "sweep.yaml").write_text(
        "workload: bert-base\narch: ws-32x32\nparameters:\n  memory.second.kib: [64, 256, 1024]\n"
    )
    assert potomac("sweep", "sweep.yaml", "--out", "o").returncode == 0
    rows = list(csv.DictReader((potomac.folder / "o/sweep.csv").open()))
    cycles = [int(row["mf_mac_cycles_total"]) for row in rows]
    assert cycles == sorted(cycles, reverse=True)


def test_a_waveform_waits_as_the_array_does(potomac, trace):
    write_machine(potomac, "ws", kib=4)
    (record,) = passes_of(
        potomac, trace, "--layers", "004*", "--passes", "forward", "--vcd", "w.vcd",
        "--vcd-gemm", "004-fc2/forward", "--engine", "fast",
    )  # fmt: skip
    text = (potomac.folder / "w.vcd").read_text()
    last = max(int(line[1:]) for line in text.splitlines() if line.startswith("#"))
    period = 2000  # ps, at 500 MHz
    assert last >= (of(record)["cycles"]["total"] - 1) * period
    without = of(record)["cycles"]["total"] - of(record)["cycles"]["stall"]
    assert last > (without + 2) * period


COMPONENTS = ["arithmetic", "registers", "clock", "scratchpads", "dram"]


def test_structural_energy_adds_up_and_leaves_operation_as_it_was(potomac, trace):
    write_machine(potomac, "os", kib=64)
    command = ["run", trace, "--arch", "m.yaml", "--energy", "horowitz-45nm", "--engine", "count"]
    assert potomac(*command, "--out", "plain").returncode == 0
    done = potomac(*command, "--accounting", "structural", "--out", "o")
    assert done.returncode == 0, done.stderr
    plain = json.loads((potomac.folder / "plain/report.json").read_text())
    report = json.loads((potomac.folder / "o/report.json").read_text())
    # The accounting that was asked for stands in front, and all that it can be compared with is
    # there: every unit that the table prices.
    assert report["energy"][0]["accounting"] == "structural"
    assert list(report["machines"]) == ["mf_mac", "fp32_mac", "fp16_mac", "bf16_mac", "fp8_mac",
                                        "int8_mac", "int4_mac"]  # fmt: skip
    assert [e["machine"] for e in report["energy"]] == ["mf_mac", "fp32_mac", "fp16_mac",
                                                        "int8_mac"] * 2  # fmt: skip
    for machine in ("mf_mac", "fp32_mac"):
        assert energy_of(report, machine) == energy_of(plain, machine)  # to the bit
    widths = {"mf_mac": (5, 32), "fp32_mac": (32, 32), "fp16_mac": (16, 32), "int8_mac": (8, 32)}
    for machine, (operand, total) in widths.items():
        structural = energy_of(report, machine, "structural")
        rows = (structural, *structural["by_gemm"], *structural["by_layer"], *structural["by_pass"])
        for row in rows:
            parts = [row["by_component"][name] for name in COMPONENTS]
            assert all(part > 0 for part in parts)
            assert row["total"] == pytest.approx(sum(parts), rel=1e-12)
        for name in COMPONENTS:
            for lists in ("by_gemm", "by_layer", "by_pass"):
                parts = [row["by_component"][name] for row in structural[lists]]
                assert sum(parts) == pytest.approx(structural["by_component"][name], rel=1e-12)
        mf_mac = energy_of(report, "mf_mac", "structural")["total"]
        if machine != "mf_mac":
            assert reduction_of(report, machine, "structural") == pytest.approx(
                1 - mf_mac / structural["total"]
            )
            method = method_of(report, machine, "structural")
            assert method["total"] == structural["total"]
        assert structural["by_component"]["arithmetic"] == energy_of(report, machine)["total"]
        # What the counts and the table's numbers make of it, for each pass.
        price = {unit["entry"]: unit["value"] for unit in structural["unit_energies"]}
        bits = 256 * (2 * operand + 2 * total) + 240 * operand
        for record, row in zip(report["passes"], structural["by_gemm"]):
            memory = of(record, machine)["memory"]
            dram = memory["dram"]["read_bits"] + memory["dram"]["written_bits"]
            words = sum(
                memory[pad]["read_words"] + memory[pad]["written_words"]
                for pad in ("first", "second", "results")
            )
            expected = {
                "clock": of(record, machine)["cycles"]["total"] * bits * price["flip_flop_clock"],
                "dram": dram / 64 * price["dram_access_64.low"],
                "dram_high": dram / 64 * price["dram_access_64.high"],
                "scratchpads": words * price["sram_access_64.64"],
            }
            for name, value in expected.items():
                assert row["by_component"][name] == pytest.approx(value, rel=1e-12), name


def test_structural_energy_of_a_stored_report(potomac, trace):
    write_machine(potomac, "ws", kib=32)
    command = ["run", trace, "--arch", "m.yaml", "--layers", "004*", "--toggles", "--out", "o"]
    assert potomac(*command, "--energy", "tpuv4i-7nm", "--accounting", "structural").returncode == 0
    shown = potomac("report", "o", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    stored = json.loads((potomac.folder / "o/report.json").read_text())
    assert json.loads(shown.stdout)["energy"] == stored["energy"]
    for machine in ("mf_mac", "fp32_mac"):
        assert energy_of(stored, machine, "structural")["registers"] == "toggles"
    # Toggles of arrays that have no values are not known.
    assert energy_of(stored, "int8_mac", "structural")["registers"] == "writes"
    again = potomac(
        "report", "o", "--energy", "tpuv4i-7nm", "--accounting", "structural", "--format", "json"
    )
    assert json.loads(again.stdout)["energy"] == stored["energy"]
    header = next(csv.reader((potomac.folder / "o/layers.csv").open()))
    assert "energy[fp32_mac,tpuv4i-7nm,structural]" in header
    again = potomac("report", "o", "--accounting", "structural", "--format", "json")
    assert json.loads(again.stdout)["energy"] == stored["energy"]
    again = potomac("report", "o", "--accounting", "operation", "--format", "json")
    assert json.loads(again.stdout)["energy"] == [
        one for one in stored["energy"] if one["accounting"] == "operation"
    ]


def test_structural_energy_needs_a_table_that_has_it(potomac, trace):
    write_machine(potomac)
    said = potomac.refuses(
        "run", trace, "--arch", "m.yaml", "--accounting", "structural", "--out", "o"
    )
    assert "flip_flop_toggle" in said
    assert "paper-2302.14458" in said


def test_sensitivity_is_what_runs_say(potomac, trace):
    write_machine(potomac, "os", kib=64)
    done = potomac("sensitivity", trace, "--arch", "m.yaml", "--set", "array.cols=8")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    rows = {line.split("  ")[0].strip(): line for line in lines}
    for change, *settings in (
        ("as it is",),
        ("accumulators of 48 bits", "pe.accumulator.bits=48"),
        ("DRAM of 16 GB/s", "memory.dram.bandwidth_gb_s=16"),
        (
            "scratchpads of 16, 16, 16 KiB", "memory.first.kib=16", "memory.second.kib=16",
            "memory.results.kib=16",
        ),
    ):  # fmt: skip
        assert potomac(
            "run", trace, "--arch", "m.yaml", "--engine", "count", "--energy", "horowitz-45nm",
            "--accounting", "structural", "--out", "o", "--set", "array.cols=8",
            *[word for setting in settings for word in ("--set", setting)],
        ).returncode == 0  # fmt: skip
        report = json.loads((potomac.folder / "o/report.json").read_text())
        for machine in ("fp32_mac", "int8_mac"):
            less = reduction_of(report, machine, "structural")
            assert f"{100 * less:.2f}%" in rows[change]
        assert str(of(report["totals"])["cycles"]["total"]) in rows[change]
    assert "refused" in rows["accumulators of 24 bits"]
    # Without a memory most of it would be missing.
    assert "has none" in potomac.refuses("sensitivity", trace, "--arch", "os-16x16")


def bursts_of(rows, cols, strides, bits, burst_bits):
    """The bursts that a block of a matrix touches, counted from the tensor's begin."""
    touched = set()
    for row in rows:
        for col in cols:
            element = row * strides[0] + col * strides[1]
            touched.update(
                range(element * bits // burst_bits, ((element + 1) * bits - 1) // burst_bits + 1)
            )
    return len(touched)


# The strides, for a linear layer, of A, B and the result of A B^T as their indices go up.
LINEAR = {
    "forward": lambda g: ((g["k"], 1), (g["k"], 1), (g["n"], 1)),
    "backward-data": lambda g: ((g["k"], 1), (1, g["n"]), (g["n"], 1)),
    "backward-weight": lambda g: ((1, g["m"]), (1, g["n"]), (g["n"], 1)),
}


@pytest.mark.parametrize(("preset", "burst"), [("ddr4-2400", 512), ("lpddr4-3200", 256)])
def test_whole_bursts_of_linear_layers(potomac, trace, preset, burst):
    write_machine(potomac, "ws", kib=4, dram=f"{{preset: {preset}, channels: 2}}")
    for record in passes_of(potomac, trace, "--layers", "004*", "--engine", "count"):
        (gemm,) = record["gemms"]
        memory = of(record, "fp32_mac")["memory"]
        (tile,) = of(record, "fp32_mac")["tiles"]
        strides = LINEAR[record["pass"]](gemm)
        size = {i: blocks(gemm[i], tile[i]) for i in "mnk"}
        moved, before = 0, None
        for now in tiles_of(gemm, tile):
            m, n, k = (
                range(now[i] * tile[i], now[i] * tile[i] + size[i][now[i]]) for i in "mnk"
            )
            for pair, rows, cols, stride in (
                ("mk", m, k, strides[0]), ("nk", n, k, strides[1]), ("mn", m, n, strides[2]),
            ):  # fmt: skip
                if before is None or any(now[i] != before[i] for i in pair):
                    times = 2 if pair == "mn" and now["k"] > 0 else 1
                    moved += times * bursts_of(rows, cols, stride, 32, burst)
            before = now
        assert memory["moved_bits"] == moved * burst
        assert memory["row_hits"] + memory["row_misses"] == moved
        assert memory["row_misses"] > 0
        assert memory["dram"]["read_bits"] + memory["dram"]["written_bits"] <= moved * burst


def test_all_engines_wait_for_a_device_alike(potomac, trace):
    write_machine(potomac, "os", kib=8, dram="{preset: lpddr4-3200, channels: 1}")
    layers = ("--layers", "004*", "--simulate-baseline")
    reports = [
        passes_of(potomac, trace, *layers, "--engine", engine) for engine in ("systemc", "fast")
    ]
    assert reports[0] == reports[1]
    assert all(of(record)["cycles"]["stall"] > 0 for record in reports[0])


def test_a_report_keeps_the_device_that_it_was_made_with(potomac, trace):
    preset = potomac.folder / "mine.yaml"
    source = SOURCE / "sim/dram/ddr4-2400.yaml"
    preset.write_text(source.read_text().replace("name: ddr4-2400", "name: mine"))
    write_machine(potomac, dram="{preset: mine.yaml, channels: 3, mapping: plain}")
    command = ["--accounting", "structural", "--energy", "horowitz-45nm"]
    passes_of(potomac, trace, "--layers", "004*", "--engine", "count", *command)
    stored = json.loads((potomac.folder / "o/report.json").read_text())
    assert stored["architecture"]["memory"]["dram"] == {
        "preset": "mine.yaml", "channels": 3, "lookahead": 4, "mapping": "plain",
    }  # fmt: skip
    assert stored["dram_preset"]["cycles"]["tRC"] == 55
    for machine in ("mf_mac", "fp32_mac", "int8_mac"):  # whole bursts
        moved = sum(of(record, machine)["memory"]["moved_bits"] for record in stored["passes"])
        dram = energy_of(stored, machine, "structural")["by_component"]["dram"]
        assert dram == pytest.approx(moved / 64 * 1300)
    preset.unlink()
    shown = potomac("report", "o", *command, "--format", "json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["energy"] == stored["energy"]
    assert "mine, 3 channels, 57.6 GB/s" in potomac("report", "o").stdout
    # What cannot be is told by its rule, in a file or in a report.
    preset.write_text(source.read_text().replace("tFAW: 26", "tFAW: 2"))
    said = potomac.refuses("run", trace, "--arch", "m.yaml", "--out", "p")
    assert "mine.yaml: line" in said
    assert "breaks tFAW >= tRRD_S" in said
    stored["dram_preset"]["cycles"]["tRC"] = 54
    (potomac.folder / "o/report.json").write_text(json.dumps(stored))
    assert "breaks tRC >= tRAS + tRP" in potomac.refuses("report", "o")
