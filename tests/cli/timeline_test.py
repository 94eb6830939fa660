"""`run --timeline` from the outside: Chrome trace events against the report's cycles; refusals."""

from __future__ import annotations

import collections
import json

from reports import of


def tracks_of(timeline: dict) -> dict[str, dict[str, list[dict]]]:
    """The slices by machine and track, under the names that the file gives them."""
    names: dict[tuple[int, int], str] = {}
    machines: dict[int, str] = {}
    tracks: dict[str, dict[str, list[dict]]] = collections.defaultdict(dict)
    for event in timeline["traceEvents"]:
        if event["name"] == "process_name":
            machines[event["pid"]] = event["args"]["name"]
        elif event["name"] == "thread_name":
            names[event["pid"], event["tid"]] = event["args"]["name"]
            tracks[machines[event["pid"]]][event["args"]["name"]] = []
        else:
            assert event["ph"] == "X" and event["dur"] > 0
            track = names[event["pid"], event["tid"]]
            tracks[machines[event["pid"]]][track].append(event)
    return tracks


def test_a_timeline_has_the_cycles_of_the_report(potomac, trace, arch):
    done = potomac("run", trace, "--arch", arch, "--out", "o", "--engine", "count",
                   "--set", "memory.dram.preset=lpddr4-3200", "--timeline", "new/t.json")  # fmt: skip
    assert done.returncode == 0 and done.stderr == ""
    assert "\ntimeline: new/t.json, " in done.stdout
    assert "there are passes only" not in done.stdout
    timeline = json.loads((potomac.folder / "new/t.json").read_text())
    assert timeline["otherData"] == {"axis": "1 us is a cycle of the array", "clock_mhz": 500}
    report = json.loads((potomac.folder / "o/report.json").read_text())
    tracks = tracks_of(timeline)
    assert list(tracks) == ["MF-MAC", "FP32"]
    for machine, key in zip(tracks.values(), ("mf_mac", "fp32_mac")):
        assert list(machine) == ["passes", "array", "DMA: first", "DMA: second", "DMA: results",
                                 *(f"DRAM channel {i}" for i in range(2))]  # fmt: skip
        begin = 0
        for slice_, entry in zip(machine["passes"], report["passes"], strict=True):
            assert slice_["name"] == f"{entry['layer']} {entry['pass']}"
            assert slice_["args"] == {"MACs": of(entry, key)["macs"]}
            assert (slice_["ts"], slice_["dur"]) == (begin, of(entry, key)["cycles"]["total"])
            begin += slice_["dur"]
        cycles = collections.Counter()
        for slice_ in machine["array"]:
            cycles[slice_["name"].split(":")[0]] += slice_["dur"]
        totals = collections.Counter()
        for entry in report["passes"]:
            totals.update({k: v for k, v in of(entry, key)["cycles"].items() if k != "total"})
        assert cycles == +totals


def test_a_window_and_what_is_left_out(potomac, trace, arch):
    run = ["run", trace, "--arch", arch, "--out", "o", "--engine", "count", "--timeline", "t.json"]
    assert potomac(*run, "--timeline-cycles", "1000:1200").returncode == 0
    for machine in tracks_of(json.loads((potomac.folder / "t.json").read_text())).values():
        assert list(machine) == ["passes", "array"]  # there is no memory
        assert all(s["ts"] < 1200 and s["ts"] + s["dur"] > 1000 for s in sum(machine.values(), []))
    done = potomac("run", "resnet50", "--batch", "4", "--arch", arch, "--out", "o", "--timeline", "t.json")
    assert done.returncode == 0
    assert "MF-MAC: behind cycle " in done.stdout


def test_bad_timelines_are_refused_in_a_line(potomac, trace, arch):
    run = ["run", trace, "--arch", arch, "--out", "o"]
    for more, expected in (
        (["--timeline", "t.json", "--timeline-cycles", "5:5"], "--timeline-cycles: '5:5' has no"),
        (["--timeline", "t.json", "--timeline-cycles", "5"], "'5' is not FROM:TO"),
        (["--timeline-cycles", "1:5"], "--timeline-cycles requires --timeline"),
        (["--timeline", "o/report.json"], "o/report.json"),
        (["--timeline", "."], "."),
    ):
        line = potomac.refuses(*run, *more)
        assert expected in line, line
        assert not (potomac.folder / "t.json").exists()
