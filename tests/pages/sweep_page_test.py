"""Pages of sweeps in a real browser: their points against sweep.csv, and how they are chosen."""

from __future__ import annotations

import csv
import pathlib

import pytest
from browser import Browser
from conftest import potomac
from page_test import check_text

SPEC = """
workload: resnet50
arch: os-16x16
dimensions: {batch: 1}
layers: "*conv1*"
energy: [horowitz-45nm]
accounting: structural
parameters:
  array.dataflow: [os, ws]
  array.rows: [8, 16, 32, 64]
  array.cols: [8, 16, 32]
  pe.operand_bits: [5, 4]
"""
ENERGY = "energy[mf_mac,horowitz-45nm,structural]"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("swept")
    (folder / "sweep.yaml").write_text(SPEC)
    done = potomac("sweep", "sweep.yaml", "--out", "sweep", folder=folder)
    assert done.returncode == 0, done.stderr
    done = potomac("report", "sweep", "--html", "page.html", folder=folder)
    assert (done.returncode, done.stdout) == (0, "page: page.html\n"), done.stderr
    return folder


def rows_of(folder: pathlib.Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "sweep/sweep.csv").read_text().splitlines()))


def cells(browser: Browser, section: str) -> list[dict]:
    return browser.script("""
      return [...document.querySelectorAll(`#${arguments[0]} data[data-row]`)].map((node) => ({
        value: node.value, text: node.textContent, unit: node.dataset.unit || '',
        row: data.sweep.rows[node.dataset.row][0], column: data.sweep.columns[node.dataset.column].name}));""", section)  # fmt: skip


def numbers_in(browser: Browser, table: str) -> list[int]:
    """The numbers of a table's points, from top to bottom."""
    return browser.script("return [...document.querySelectorAll(`${arguments[0]} tbody button`)].map((one) => Number(one.querySelector('data').value))", table)


def test_every_number_is_the_sweeps(browser: Browser, swept: pathlib.Path) -> None:
    browser.open(swept / "page.html")
    rows = rows_of(swept)
    done = [row for row in rows if row["status"] == "done"]
    refused = [row for row in rows if row["status"] == "refused"]
    assert len(done) == 24 and len(refused) == 24
    shown = cells(browser, "points")
    assert len(shown) == len(done) * len({cell["column"] for cell in shown})
    for cell in shown:
        stored = rows[cell["row"]][cell["column"]]
        if stored == "":
            assert (cell["value"], cell["text"]) == ("", "not known")
        else:
            assert float(cell["value"]) == float(stored)
            unit = cell["unit"] if cell["unit"] not in ("PE", "bits") else ""
            check_text({**cell, "unit": unit}, float(stored))
    text = browser.script("return document.getElementById('swept').innerText")
    assert "24 points ran, 24 were refused." in text
    assert refused[0]["message"] in browser.script("return document.querySelector('#swept tbody').textContent")
    assert browser.console() == []


def front_of(rows: list[dict[str, str]], x: str, y: str, signs: tuple[int, int] = (1, 1)) -> set[int]:
    """The points than which none is as good in both and better in one, by looking at all pairs."""
    points = [(signs[0] * float(row[x]), signs[1] * float(row[y]), int(row["point"])) for row in rows]
    return {p[2] for p in points
            if not any(q[0] <= p[0] and q[1] <= p[1] and q[:2] != p[:2] for q in points)}  # fmt: skip


def test_the_pareto_front(browser: Browser, swept: pathlib.Path) -> None:
    browser.open(swept / "page.html")
    done = [row for row in rows_of(swept) if row["status"] == "done"]
    assert set(numbers_in(browser, "#scatter")) == front_of(done, "mf_mac_time_s", ENERGY)
    columns = browser.script("return data.sweep.columns.map((one) => one.name)")
    browser.choose("#scatter select", str(columns.index("mf_mac_utilization")))
    front = front_of(done, "mf_mac_utilization", ENERGY, (-1, 1))
    assert set(numbers_in(browser, "#scatter")) == front
    assert "more mf_mac_utilization and less energy" in browser.script("return document.getElementById('scatter').innerText")
    assert len(front) > 1


def test_what_is_asked_for_holds_for_all(browser: Browser, swept: pathlib.Path) -> None:
    browser.open(swept / "page.html")
    done = [row for row in rows_of(swept) if row["status"] == "done"]
    browser.choose("#which select", "ws")
    most = sorted(float(row["mf_mac_time_s"]) for row in done if row["array.dataflow"] == "ws")[5]
    browser.choose("#which label:nth-of-type(3) input", str(most))
    some = [row for row in done if row["array.dataflow"] == "ws" and float(row["mf_mac_time_s"]) <= most]
    assert 0 < len(some) < 12
    assert browser.script("return document.querySelector('#which [role=status]').textContent") == f"{len(some)} of 24 points are shown."
    assert set(numbers_in(browser, "#points")) == {int(row["point"]) for row in some}
    assert set(numbers_in(browser, "#scatter")) == front_of(some, "mf_mac_time_s", ENERGY)


def test_a_point_is_chosen_everywhere(browser: Browser, swept: pathlib.Path) -> None:
    browser.open(swept / "page.html")
    browser.script("document.querySelectorAll('#points tbody button')[3].click()")
    number = numbers_in(browser, "#points h3 + div")
    assert len(number) == 1
    chosen = browser.script("return [...document.querySelectorAll('tr.chosen button')].map((one) => [one.textContent, one.getAttribute('aria-pressed')])")
    assert chosen and all(one == [str(number[0]), "true"] for one in chosen)
    browser.script("document.querySelector('#points h3 + div tbody button').click()")
    assert browser.script("return document.querySelectorAll('tr.chosen').length") == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1600])
def test_all_can_use_it(browser: Browser, swept: pathlib.Path, width: int, dark: bool) -> None:
    browser.open(swept / "page.html", width, dark)
    browser.script("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.faults_of_access() == []
    assert browser.script("return document.documentElement.scrollWidth") <= width
    assert browser.console() == []
    assert browser.script("return performance.getEntriesByType('resource').length") == 0


def test_columns_can_be_chosen(browser: Browser, swept: pathlib.Path) -> None:
    asked = "power_w[mf_mac,horowitz-45nm,structural],fp32_mac_cycles_total"
    done = potomac("report", "sweep/sweep.csv", "--columns", asked, "--html", "chosen.html", folder=swept)
    assert done.returncode == 0, done.stderr
    browser.open(swept / "chosen.html")
    names = browser.script("return data.sweep.columns.map((one) => one.name)")
    assert names == ["point", "array.dataflow", "array.rows", "array.cols", "pe.operand_bits", "status",
                     "fp32_mac_cycles_total", "power_w[mf_mac,horowitz-45nm,structural]", "message"]  # fmt: skip
    assert browser.console() == []


@pytest.mark.parametrize(("arguments", "said"), [
    (["sweep", "--html", "sweep/sweep.csv"], "--html"),
    (["sweep", "sweep", "--html", "p.html"], "one sweep is shown at a time"),
    (["sweep", "--energy", "horowitz-45nm", "--html", "p.html"], "leave out --energy"),
    (["sweep", "--html", "p.html", "--where", "point = 1"], "a page asks for itself"),
    (["sweep", "--html", "p.html", "--columns", "mf_mac_time"], "'mf_mac_time' is no column of the sweep; did you mean 'mf_mac_time_s'?"),
    (["cut.csv", "--html", "p.html"], "cut.csv: line 3: has 2 fields, not"),
    (["quote.csv", "--html", "p.html"], "quote.csv: line 2: a quoted field does not end"),
    (["other.csv", "--html", "p.html"], "other.csv: line 1: is not a sweep's"),
    (["head.csv", "--html", "p.html"], "head.csv: has no point"),
    (["empty.csv", "--html", "p.html"], "empty.csv: line 1: is not a sweep's"),
])  # fmt: skip
def test_bad_input_is_one_line(swept: pathlib.Path, arguments: list[str], said: str) -> None:
    lines = (swept / "sweep/sweep.csv").read_text().splitlines(keepends=True)
    (swept / "cut.csv").write_text("".join(lines[:2]) + "1,os\n")
    (swept / "quote.csv").write_text(lines[0] + '0,"os\n')
    (swept / "other.csv").write_text("a,b\n1,2\n")
    (swept / "head.csv").write_text(lines[0])
    (swept / "empty.csv").write_text("")
    before = sorted(swept.rglob("*"))
    done = potomac("report", *arguments, folder=swept)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and done.stderr.count("\n") == 1 and done.stderr.startswith("potomac: error: ")
    assert sorted(swept.rglob("*")) == before
