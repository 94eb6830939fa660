"""Pages of runs in a real browser: their numbers against report.json, and how they behave."""

from __future__ import annotations

import csv
import json
import math
import pathlib
import re

import pytest
from browser import Browser
from conftest import ROOT, TRACE, potomac

# All choices of the page, one after the other: what each draws is looked at.
EVERY_CHOICE = """
const figures = [];
const take = () => document.querySelectorAll('main data:not([data-pe])').forEach((node) => figures.push({
  value: node.value, text: node.textContent, unit: node.dataset.unit || '', run: node.dataset.run,
  parts: node.dataset.parts, whole: node.dataset.whole, less: 'less' in node.dataset,
  counted: node.dataset.counted, section: node.closest('section').id}));
take();
for (const select of [...document.querySelectorAll('main select')].map((one) => one.id)) {
  for (const option of [...document.getElementById(select).options].map((one) => one.value)) {
    const control = document.getElementById(select);
    control.value = option;
    control.dispatchEvent(new Event('change', {bubbles: true}));
    take();
  }
}
return figures;
"""
PREFIXES = {"p": 1e-12, "n": 1e-9, "\u00b5": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
BASES = {"pJ": ("J", 1e-12), "s": ("s", 1.0), "bit": ("B", 8.0), "bits changed": ("bits", 1.0)}


def at(report: dict, path: str) -> object:
    node: object = report
    for key in path.split("."):
        if node is None:
            return None
        node = node[int(key)] if isinstance(node, list) else node[key]  # type: ignore[index]
    return node


def total(report: dict, paths: str) -> float | None:
    values = [(at(report, path.lstrip("-")), path.startswith("-")) for path in paths.split(" ")]
    if any(value is None for value, _ in values):
        return None
    sum_ = 0
    for value, negative in values:
        sum_ = sum_ - value if negative else sum_ + value  # type: ignore[operator]
    return sum_


def expected(figure: dict, report: dict) -> float | None:
    """The value of a figure, by the report."""
    part = total(report, figure["parts"])
    if figure["whole"] is None or part is None:
        return part
    whole = total(report, figure["whole"])
    if not whole:
        return None
    return 1 - part / whole if figure["less"] else part / whole


def check_text(figure: dict, value: float) -> None:
    """What is shown of a value is that value, rounded to the digits that are shown."""
    text, unit = figure["text"], figure["unit"]
    match = re.fullmatch(r"(-?[0-9,]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)(%|(?: .*)?)", text)
    assert match, figure
    shown = float(match[1].replace(",", ""))
    mantissa, _, exponent = match[1].replace(",", "").partition("e")
    digits = len(mantissa.partition(".")[2])
    step = 10.0 ** (int(exponent or 0) - digits)
    suffix = match[2].strip()
    if suffix == "%":
        assert unit in ("share", "less"), figure
        value *= 100
    elif unit in BASES:
        base, size = BASES[unit]
        prefix = suffix.removesuffix(base).strip()
        value = value * size if unit != "bit" else value / size
        value /= PREFIXES[prefix]
    elif unit and unit not in COUNTED:
        assert suffix == unit.replace("J s", "J\u00b7s"), figure
    if isinstance(value, int) and "," in text:
        assert shown == value, figure
    # Numbers written with a few digits drop zeros behind them.
    significant = max(step, 10.0 ** (math.floor(math.log10(abs(value))) - 3) if value else step)
    assert abs(shown - value) <= (significant if digits < 2 else step) * 0.51 + 1e-12, figure


COUNTED = ("cycle", "MAC", "event", "operation", "write", "word", "burst", "pass", "input")


def check_figures(figures: list[dict], reports: list[dict]) -> int:
    """Each figure against the report; says how many there were."""
    checked = 0
    for figure in figures:
        if figure["counted"]:
            continue
        value = expected(figure, reports[int(figure["run"])])
        if value is None:
            assert figure["value"] == "" and figure["text"] == "not known", figure
        else:
            assert float(figure["value"]) == pytest.approx(value, rel=1e-14, abs=1e-18), figure
            check_text(figure, value)
        checked += 1
    return checked


def report_in(folder: pathlib.Path) -> dict:
    report = json.loads((folder / "run/report.json").read_text())
    # What a page adds to a report, made from it anew.
    clock = report["dram_preset"]["clock_mhz"] if report["dram_preset"] else None
    if clock:
        preset = report["dram_preset"]
        report["dram_gb_s"] = clock * 2 * preset["bus_bits"] / 8 * preset["channels"] / 1e3
    report["passes_not_shown"] = 0
    return report


def test_every_number_is_the_reports(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    report = report_in(shipped)
    figures = browser.script(EVERY_CHOICE)
    assert check_figures(figures, [report]) > 3000
    # Nothing that counts is left out: each pass's and each machine's cycles are there.
    shown = {figure["parts"] for figure in figures if figure["whole"] is None}
    for machine in report["machines"]:
        assert f"totals.machines.{machine}.cycles.total" in shown
        for i in range(len(report["passes"])):
            assert f"passes.{i}.machines.{machine}.cycles.total" in shown
    for i in range(len(report["energy"])):
        if report["energy"][i]["accounting"] == "structural":
            assert f"energy.{i}.by_component.dram" in shown
    assert browser.console() == []


def test_what_pes_do_adds_up_to_all_of_their_cycles(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    report = report_in(shipped)
    bars = [f for f in browser.script(EVERY_CHOICE) if f["section"] == "cycles" and not f["counted"]]
    by_whole: dict[str, dict[str, float]] = {}
    for figure in bars:
        by_whole.setdefault(figure["whole"], {})[figure["parts"]] = float(figure["value"])
    assert len(by_whole) == (len(report["passes"]) + 1) * len(report["machines"])
    for whole, parts in by_whole.items():
        assert sum(parts.values()) == pytest.approx(1, rel=1e-12)
        place, machine = re.match(r"(.+)\.machines\.(\w+)\.macs", whole).groups()  # type: ignore[union-attr]
        array = report["machines"][machine]["array"]
        cycles = at(report, f"{place}.machines.{machine}.cycles.total")
        assert total(report, whole) == array["rows"] * array["cols"] * cycles


def test_the_pe_map_is_the_files_and_adds_up_to_the_report(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    browser.script("document.querySelector('#pes .wide + button').click()")
    shown = {tuple(place.split(" ")): int(value) for place, value in browser.script(
        "return [...document.querySelectorAll('#pes data[data-pe]')].map((one) => [one.dataset.pe, one.value])")}  # fmt: skip
    rows = list(csv.DictReader((shipped / "run/pe_map.csv").read_text().splitlines()))
    assert len(rows) == 256 and len(shown) == 256 * 6
    entry = next(one for one in report_in(shipped)["passes"]
                 if (one["layer"], one["pass"]) == ("001-conv2", "backward-data"))  # fmt: skip
    for machine, did in entry["machines"].items():
        if machine not in ("mf_mac", "fp32_mac"):
            continue
        sums = {"macs": did["macs"], "gated": did["actions"]["gated_mac"],
                "toggles": sum(bits for kind, bits in did["toggles"].items() if kind != "skew")}  # fmt: skip
        for kind, sum_ in sums.items():
            column = f"{machine}_{kind}"
            assert sum(int(row[column]) for row in rows) == sum_
            assert all(shown[row["row"], row["col"], column] == int(row[column]) for row in rows)


def test_sentences_have_no_number_that_is_not_the_reports(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    texts = browser.script("""
      const walk = document.createTreeWalker(document.getElementById('totals'), NodeFilter.SHOW_TEXT);
      const texts = [];
      while (walk.nextNode()) {
        if (!walk.currentNode.parentElement.closest('data, dt, code')) texts.push(walk.currentNode.textContent);
      }
      return texts;""")  # fmt: skip
    known = r"FP32|horowitz-45nm"
    assert len(texts) > 30
    assert [text for text in texts if re.search(r"\d", re.sub(known, "", text))] == []


def test_the_timeline_is_of_the_longest_pass(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    report = report_in(shipped)
    timeline = browser.script("return data.runs[0].timeline")
    cycles = [entry["machines"]["mf_mac"]["cycles"] for entry in report["passes"]]
    longest = max(range(len(cycles)), key=lambda i: cycles[i]["total"])
    entry = report["passes"][longest]
    assert timeline["pass"] == f"{entry['layer']} {entry['pass']}"
    for machine in timeline["machines"]:
        key = {label: id_ for id_, label in browser.script("return data.runs[0].labels").items()}[machine["machine"]]
        assert machine["cycles"] == entry["machines"][key]["cycles"]["total"]
        array = machine["tracks"][0]
        assert array["name"] == "array" and array["slices"][0][0] == 0
        until = machine["shown_until"] or machine["cycles"]
        for (_, end, *_), (begin, *_) in zip(array["slices"], array["slices"][1:]):
            assert begin == end or begin >= until
        assert array["slices"][-1][1] >= until


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1600])
def test_all_can_use_it(browser: Browser, shipped: pathlib.Path, width: int, dark: bool) -> None:
    browser.open(shipped / "page.html", width, dark)
    assert browser.faults_of_access() == []
    assert browser.script("return document.documentElement.scrollWidth") <= width
    assert browser.console() == []


def test_every_control_is_reached_by_tab(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    controls = browser.script("""
      const all = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
        .filter((one) => one.checkVisibility());
      all.forEach((one, i) => { one.dataset.control = i; });
      return all.length;""")  # fmt: skip
    assert controls > 60
    reached = set()
    for _ in range(controls):
        browser.press("\ue004")
        reached.add(browser.script("return document.activeElement.dataset.control"))
    assert reached == {str(i) for i in range(controls)}


def test_hovering_tells_where_a_figure_is_from(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    told = browser.script("""
      const node = document.querySelector('data[data-parts="energy.0.total"]');
      node.dispatchEvent(new PointerEvent('pointerover', {bubbles: true}));
      const hover = document.getElementById('hover');
      return [hover.hidden, hover.innerText];""")  # fmt: skip
    report = report_in(shipped)
    assert not told[0]
    assert f"{report['energy'][0]['total']} pJ" in told[1]
    assert "all components; DRAM at the low end" in told[1] and "report.json: energy.0.total" in told[1]
    assert "assumed: flip_flop_toggle 0.012 pJ" in told[1]
    browser.press("\ue00c")
    assert browser.script("return document.getElementById('hover').hidden")


def test_each_part_names_the_page_that_explains_it(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    named = browser.script("return [...document.querySelectorAll('main .about code')].map((one) => one.textContent)")
    assert len(named) >= 12 and all((ROOT / page.partition("#")[0]).is_file() for page in named)
    # A program that knows where the site is makes a link of it.
    link = "data.docs = 'https://example.org/docs/'; return docsLink('energy.md#tables').href"
    assert browser.script(link) == "https://example.org/docs/energy.html#tables"


def test_tables_sort_and_filter(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    rows = "return [...document.querySelectorAll('#passes tbody tr')].map((row) => [row.cells[1].textContent, row.cells[3].textContent])"
    browser.script("document.querySelectorAll('#passes th button')[3].click()")
    cycles = [int(row[1].replace(",", "")) for row in browser.script(rows)]
    assert cycles[:-1] == sorted(cycles[:-1]) and cycles[-1] == sum(cycles[:-1])
    browser.script("document.querySelectorAll('#passes th button')[3].click()")
    assert browser.script("return document.querySelectorAll('#passes th')[3].getAttribute('aria-sort')") == "descending"
    cycles = [int(row[1].replace(",", "")) for row in browser.script(rows)]
    assert cycles[:-1] == sorted(cycles[:-1], reverse=True)
    browser.choose("#passes input[type=search]", "BACKWARD-data")
    assert {row[0] for row in browser.script(rows)} == {"backward-data", ""}
    assert browser.script("return document.querySelector('#passes [role=status]').textContent") == "4 of 14"


def test_a_page_asks_for_nothing_and_runs_no_other_script(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    assert browser.script("return performance.getEntriesByType('resource').map((one) => one.name)") == []
    browser.script("""
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.ran = true">');
    """)
    assert not browser.script("return window.ran === true")
    assert any("Content Security Policy" in entry["message"] for entry in browser.console())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_can_be_chosen(browser: Browser, shipped: pathlib.Path, theme: str) -> None:
    browser.open(shipped / "page.html", dark=theme == "light")
    browser.choose("#controls > label:last-child select", theme)
    ground = browser.script("return getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 28)"}[theme]
    assert browser.faults_of_access() == []


def test_it_prints_with_all_of_its_charts(browser: Browser, shipped: pathlib.Path) -> None:
    browser.open(shipped / "page.html")
    browser.script("window.dispatchEvent(new Event('beforeprint'))")
    charts = browser.script("""
      return [...document.querySelectorAll('.chart')].map((one) => {
        const canvas = one.querySelector('canvas');
        return canvas ? new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size
          : one.querySelectorAll('svg path').length;
      });""")  # fmt: skip
    assert len(charts) >= 8 and all(parts > 3 for parts in charts)
    assert len(browser.command("Page.printToPDF")["data"]) > 50_000


HOSTILE = "</script><script>window.ran = true</script><img src=x onerror='window.ran = true'>&{{data}}"


def test_hostile_names_stay_text(browser: Browser, shipped: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "run").mkdir()
    text = (shipped / "run/report.json").read_text()
    text = text.replace("000-conv1", HOSTILE).replace('"FashionCnn"', json.dumps(HOSTILE))
    (tmp_path / "run/report.json").write_text(text)
    done = potomac("report", "run", "--html", "page.html", folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "page: page.html\n", "")
    browser.open(tmp_path / "page.html")
    browser.script("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.script("return [window.ran === true, document.images.length, document.scripts.length]") == [False, 0, 3]
    assert HOSTILE in browser.script("return document.querySelector('#passes tbody').textContent")
    check_figures(browser.script(EVERY_CHOICE), [report_in(tmp_path)])
    assert browser.faults_of_access() == []
    assert browser.console() == []


def test_what_is_not_known_is_not_0(browser: Browser, tmp_path: pathlib.Path) -> None:
    done = potomac("run", "resnet50", "--batch", "1", "--arch", "os-16x16", "--layers", "*conv1*", "--out", "run",
                   "--html", "page.html", folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    browser.open(tmp_path / "page.html")
    report = report_in(tmp_path)
    figures = browser.script(EVERY_CHOICE)
    check_figures(figures, [report])
    assert "not known" in {figure["text"] for figure in figures}
    text = browser.script("return document.getElementById('page').innerText")
    assert "shapes only, no values" in text and "only layers *conv1* , passes" in text.replace("*,", "* ,")
    assert "A memory: no stalls" in text and "Whether accumulators overflow" in text
    assert browser.script("return document.getElementById('roofline')") is None
    assert browser.faults_of_access() == [] and browser.console() == []


def test_overflows_and_other_sums_are_told_of(browser: Browser, tmp_path: pathlib.Path) -> None:
    done = potomac("run", TRACE, "--arch", "paper-os-16x16", "--out", "run", "--html", "page.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    browser.open(tmp_path / "page.html")
    report = report_in(tmp_path)
    results = sum(gemm["count"] * gemm["m"] * gemm["n"] for entry in report["passes"] for gemm in entry["gemms"])
    overflowed = report["totals"]["machines"]["mf_mac"]["actions"]["overflowed_result"]
    assert overflowed > 1e-4 * results
    warnings = browser.script("return [...document.querySelectorAll('.warning')].map((one) => one.textContent)")
    assert warnings[0].startswith("The training that this trace is from summed otherwise in 14 of 14 passes: first in 000-conv1")
    assert warnings[1].startswith(f"{overflowed:,} results of {results:,} overflowed their accumulator.")
    check_figures(browser.script(EVERY_CHOICE), [report])


def test_several_runs_side_by_side(browser: Browser, shipped: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = potomac("run", TRACE, "--arch", "ws-32x32", "--energy", "horowitz-45nm", "--accounting", "structural",
                   "--engine", "count", "--out", "run", folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = potomac("report", shipped / "run", "run", "--html", "new/page.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    browser.open(tmp_path / "new/page.html")
    reports = [report_in(shipped), report_in(tmp_path)]
    check_figures(browser.script(EVERY_CHOICE), reports)
    assert browser.script("return document.querySelectorAll('#runs tbody')[1].rows.length") == 2
    assert "array.dataflow" in browser.script("return document.getElementById('runs').textContent")
    browser.choose("#controls select", "1")
    figures = browser.script(EVERY_CHOICE)
    check_figures(figures, reports)
    assert {figure["run"] for figure in figures if figure["section"] == "totals"} == {"1"}
    assert browser.faults_of_access() == [] and browser.console() == []


def test_a_long_report_is_shown_in_part(browser: Browser, tmp_path: pathlib.Path) -> None:
    layers = [f"  - {{linear: l{i}, outputs: 8}}" for i in range(1, 1801)]
    (tmp_path / "deep.yaml").write_text("\n".join([
        "format: potomac-model", "version: 1", "model: Deep", "dimensions: {batch: 1}",
        "input: [batch, 8]", "layers:", *layers]))  # fmt: skip
    done = potomac("run", "deep.yaml", "--arch", "os-16x16", "--density", "W=0.9,A=0.5,G=0.5", "--out", "run",
                   "--html", "page.html", folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    browser.open(tmp_path / "page.html")
    report = report_in(tmp_path)
    assert len(report["passes"]) == 5400
    shown = browser.script("return [data.runs[0].passes.length, data.runs[0].passes_not_shown]")
    assert shown == [5000, 400]
    assert browser.script("return data.runs[0].assumed") == report["assumed"]
    missing = browser.script("return document.querySelector('#simulated').textContent")
    assert "On this page, the last 400 passes." in missing
    figure = browser.script("return document.querySelector('data[data-parts=\"totals.machines.mf_mac.macs\"]').value")
    assert int(figure) == report["totals"]["machines"]["mf_mac"]["macs"] == sum(
        entry["machines"]["mf_mac"]["macs"] for entry in report["passes"])  # fmt: skip
    # A table has its first rows until all are asked for.
    rows = "return document.querySelectorAll('#passes tbody tr').length"
    assert browser.script(rows) == 200
    browser.script("[...document.querySelectorAll('#passes button')].find((one) => one.textContent === 'Show 5,001 rows').click()")
    assert browser.script(rows) == 5001


def test_an_array_can_be_watched(browser: Browser, tmp_path: pathlib.Path) -> None:
    done = potomac("run", TRACE, "--arch", "os-16x16", "--layers", "*fc2*", "--passes", "forward", "--out", "run",
                   "--vcd", "w.vcd", "--vcd-gemm", "004-fc2/forward", "--html", "page.html", folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    browser.open(tmp_path / "page.html")
    assert "The first 8 rows and 8 columns of 16 x 16." in browser.script("return document.getElementById('frames').innerText")
    first = "return document.querySelector('#frames .pes td').innerText.split('\\n')"
    shown = "return Number(document.querySelector('#frames output data').value)"
    frames = browser.script("return data.runs[0].frames.cycles")
    for cycle in (0, 1, 2):
        moving, other, sum_, *_ = (text or "\u00b7" for text in frames[cycle][0])
        assert browser.script(first)[:2] == [f"{moving} \u00d7 {other}", sum_]
        assert browser.script(shown) == cycle
        browser.script("document.querySelectorAll('#frames button')[2].click()")
    browser.script("document.querySelectorAll('#frames button')[0].click()")
    browser.wait(lambda: browser.script(shown) > 3)
    browser.script("document.querySelectorAll('#frames button')[0].click()")
    assert browser.faults_of_access() == [] and browser.console() == []


def test_the_same_report_gives_the_same_page(shipped: pathlib.Path, tmp_path: pathlib.Path) -> None:
    for name in ("a", "b"):
        assert potomac("report", shipped / "run", "--html", f"{name}.html", folder=tmp_path).returncode == 0
    page = (tmp_path / "a.html").read_bytes()
    assert page == (tmp_path / "b.html").read_bytes()
    assert len(page) < 3_000_000 and len((shipped / "page.html").read_bytes()) < 3_000_000


@pytest.mark.parametrize(("arguments", "status", "said"), [
    (["none", "--html", "page.html"], 2, "none: cannot be read"),
    (["run", "--html", "run"], 2, "run: is a folder, not a file; name another file"),
    (["run", "--html", "run/report.json"], 2, "--html"),
    (["run", "--html", "/proc/none/page.html"], 2, "/proc/"),
    (["run", "--html", "page.html", "--format", "csv"], 2, "excludes"),
])  # fmt: skip
def test_bad_input_is_one_line(shipped: pathlib.Path, tmp_path: pathlib.Path, arguments: list[str], status: int, said: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/report.json").write_bytes((shipped / "run/report.json").read_bytes())
    before = sorted(tmp_path.rglob("*"))
    done = potomac("report", *arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr and done.stderr.count("\n") == 1 and done.stderr.startswith("potomac: error: ")
    assert sorted(tmp_path.rglob("*")) == before
