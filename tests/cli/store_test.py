"""The store of results: what sweeps and runs put in, what is left of killed ones, and what is refused."""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import os
import pathlib
import resource
import signal
import sqlite3
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = """
workload: resnet18
arch: os-16x16
energy: [horowitz-45nm]
parameters:
  array.dataflow: [os, ws]
  array.rows: {from: 8, to: 40, step: 8}
  array.cols: [16, 24, 32]
  pe.operand_bits: [5, 4]
"""
POINTS = 60


@pytest.fixture
def spec(potomac):
    path = potomac.folder / "sweep.yaml"
    path.write_text(SPEC)
    return path


def swept(potomac, spec, folder, *options):
    done = potomac("sweep", spec, "--out", folder, *options)
    assert done.returncode == 0, done.stderr
    return done


def query(folder, sql):
    with contextlib.closing(sqlite3.connect(folder / "results.sqlite")) as store:
        return store.execute(sql).fetchall()


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_script_that_kills_sweeps_finds_nothing_wrong(capsys):
    module = importlib.util.spec_from_file_location("kill_sweeps", ROOT / "scripts/kill_sweeps.py")
    script = importlib.util.module_from_spec(module)
    module.loader.exec_module(script)
    assert script.main(["--kills", "12", "--program", os.environ["POTOMAC_PROGRAM"]]) == 0
    assert "12 kills" in capsys.readouterr().out


def test_a_sweep_goes_on_where_it_was_interrupted(potomac, trace, arch):
    # SystemC points, about a second each, to be interrupted after the first.
    spec = potomac.folder / "sweep.yaml"
    spec.write_text(f"trace: {trace}\narch: {arch}\nengine: systemc\nlayers: '*conv1*'\n"
                    "parameters: {array.rows: [8, 12, 16]}\n")  # fmt: skip
    process = subprocess.Popen([potomac.program, "sweep", spec, "--out", "s"], cwd=potomac.folder,
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    store = potomac.folder / "s/results.sqlite"
    done = 0
    while done < 1 and process.poll() is None:
        with contextlib.suppress(sqlite3.OperationalError):
            done = query(store.parent, "SELECT count(*) FROM sweep_points")[0][0]
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == (
        "potomac: stopped; what was computed is kept, and the same command goes on from there\n")
    assert process.returncode == -signal.SIGINT
    again = swept(potomac, spec, "s")
    assert "goes on: 1 points are there" in again.stderr
    assert "3 points, 0 refused; 2 computed, 1 from the store" in again.stdout
    assert sorted(os.listdir(potomac.folder / "s")) == ["results.sqlite", "sweep.csv"]
    swept(potomac, spec, "fresh")
    fresh = potomac.folder / "fresh/sweep.csv"
    assert (potomac.folder / "s/sweep.csv").read_bytes() == fresh.read_bytes()


def test_a_second_sweep_in_the_folder_is_refused_with_the_process_of_the_first(potomac, trace, arch):
    spec = potomac.folder / "sweep.yaml"
    spec.write_text(f"trace: {trace}\narch: {arch}\nengine: systemc\nlayers: '*conv1*'\n"
                    "parameters: {array.rows: [8, 12, 16]}\n")  # fmt: skip
    first = subprocess.Popen([potomac.program, "sweep", spec, "--out", "s"], cwd=potomac.folder)
    try:
        while not (potomac.folder / "s/results.sqlite").exists():
            assert first.poll() is None
        second = potomac("sweep", spec, "--out", "s")
        assert second.returncode == 2
        assert f"process {first.pid} is writing there" in second.stderr
    finally:
        first.terminate()
        first.wait(60)


def test_what_another_sweep_computed_is_reused_and_what_changed_is_told(potomac, spec):
    swept(potomac, spec, "s")
    spec.write_text(SPEC.replace("[16, 24, 32]", "[24, 40]"))
    more = swept(potomac, spec, "s")
    assert "its points are others" in more.stderr
    assert "20 computed, 20 from the store" in more.stdout
    assert query(potomac.folder / "s", "SELECT count(*) FROM points") == [(POINTS + 20,)]
    # A table of the user's own, which changes.
    table = (ROOT / "energy/tables/horowitz-45nm.yaml").read_text()
    (potomac.folder / "mine.yaml").write_text(table.replace("name: horowitz-45nm", "name: mine"))
    spec.write_text(SPEC.replace("horowitz-45nm", "mine.yaml"))
    assert "table mine (operation) is new or another" in swept(potomac, spec, "s").stderr
    (potomac.folder / "mine.yaml").write_text(
        table.replace("name: horowitz-45nm", "name: mine").replace("value: 0.9", "value: 1.8"))  # fmt: skip
    dearer = swept(potomac, spec, "s")
    assert "table mine (operation) is new or another" in dearer.stderr
    swept(potomac, spec, "fresh")
    csv_of = [(potomac.folder / folder / "sweep.csv").read_bytes() for folder in ("s", "fresh")]
    assert csv_of[0] == csv_of[1]
    assert query(potomac.folder / "s", "SELECT count(*) FROM points") == [(POINTS + 20,)]


def test_shards_are_put_together(potomac, spec):
    swept(potomac, spec, "whole")
    for i in (1, 2, 3):
        swept(potomac, spec, f"part{i}", "--shard", f"{i}/3")
        assert len(rows_of(potomac.folder / f"part{i}/sweep.csv")) == POINTS / 3
    done = potomac("merge", "part1", "part2", "part3", "--out", "all")
    assert done.returncode == 0, done.stderr
    whole = potomac.folder / "whole"
    assert (potomac.folder / "all/sweep.csv").read_bytes() == (whole / "sweep.csv").read_bytes()
    for table in ("points", "totals", "energy", "sweep_points", "refusals"):
        count = f"SELECT count(*) FROM {table}"
        assert query(potomac.folder / "all", count) == query(whole, count)
    # Put together again, it is what it was; and a sweep finds all of it there.
    assert potomac("merge", "part2", "whole", "--out", "all").returncode == 0
    assert f"{POINTS} points, 30 refused; 0 computed" in swept(potomac, spec, "all").stdout
    # A part that no machine can run is a part too.
    refused = swept(potomac, spec, "refused", "--shard", "2/60")
    assert "1 points, 1 refused" in refused.stdout
    assert [row["status"] for row in rows_of(potomac.folder / "refused/sweep.csv")] == ["refused"]
    for shard in ("0/3", "4/3", "1", "a/b", "1/3x"):
        assert f"'{shard}' is no part of a sweep" in potomac.refuses(
            "sweep", spec, "--out", "x", "--shard", shard)  # fmt: skip


def test_runs_are_points_too_and_keep_their_passes(potomac, spec):
    for arch in ("os-16x16", "ws-32x32"):
        done = potomac("run", "resnet18", "--arch", arch, "--energy", "horowitz-45nm", "--store", "store",
                       "--keep-passes", "--out", arch)  # fmt: skip
        assert done.returncode == 0, done.stderr
        layers = rows_of(potomac.folder / arch / "layers.csv")
        stored = query(potomac.folder / "store",
            "SELECT n.layer, n.pass, n.cycles_total FROM passes n JOIN machines m ON m.id = n.machine "
            f"JOIN points p ON p.id = n.point WHERE m.name = 'mf_mac' AND p.\"array.dataflow\" = '{arch[:2]}' "
            "ORDER BY n.number")  # fmt: skip
        assert [(row["layer"], row["pass"], int(row["mf_mac_cycles_total"])) for row in layers] == stored
    answer = potomac("report", "store", "--sort", "cycles_total", "--columns", "macs", "--format", "csv")
    assert [row["array.dataflow"] for row in csv.DictReader(answer.stdout.splitlines())] == ["ws", "os"]
    # A sweep finds the run's machine.
    spec.write_text("workload: resnet18\narch: os-16x16\nenergy: [horowitz-45nm]\n"
                    "parameters: {array.rows: [8, 16]}\n")  # fmt: skip
    assert "1 computed, 1 from the store" in swept(potomac, spec, "store").stdout


def test_units_and_meanings_stand_beside_the_numbers(potomac, spec):
    swept(potomac, spec, "s")
    folder = potomac.folder / "s"
    for table in ("points", "totals", "energy", "passes"):
        columns = {row[1] for row in query(folder, f"PRAGMA table_info({table})")}
        told = {row[0] for row in query(folder, f"SELECT name FROM columns WHERE \"of\" = '{table}'")}
        assert columns - told <= {"id", "key", "context", "point", "number", "machine"}
        assert told <= columns
    assert query(folder, "SELECT unit FROM columns WHERE name = 'clock_mhz'") == [("MHz",)]


# --- what is refused -------------------------------------------------------------------------------


def test_a_store_of_another_schema_is_refused_and_stays_as_it_is(potomac, spec):
    swept(potomac, spec, "s")
    with contextlib.closing(sqlite3.connect(potomac.folder / "s/results.sqlite")) as store:
        store.execute("UPDATE store SET value = 'fedcba9876543210' WHERE name = 'schema'")
        store.commit()
    for command in (("sweep", spec, "--out", "s"), ("report", "s"), ("merge", "s", "--out", "t")):
        assert "is a store of another schema, fedcba9876543210" in potomac.refuses(*command)


def test_a_damaged_store_is_refused(potomac, spec):
    swept(potomac, spec, "s")
    file = potomac.folder / "s/results.sqlite"
    whole = file.read_bytes()
    (potomac.folder / "s/sweep.csv").unlink()
    # Cut short, or with the pages of its tables overwritten.
    file.write_bytes(whole[: len(whole) // 3])
    assert "is damaged, or no store" in potomac.refuses("report", "s")
    file.write_bytes(whole[:4096] + bytes(reversed(whole[4096:])))
    assert "is damaged, or no store" in potomac.refuses("report", "s")


def test_a_folder_that_nobody_may_write_to_is_refused_and_can_be_asked(potomac, spec):
    swept(potomac, spec, "s")
    asked = potomac("report", "s", "--limit", 1, "--format", "csv").stdout
    if os.geteuid() != 0:
        (potomac.folder / "s").chmod(0o500)
        assert "cannot be written" in potomac.refuses("sweep", spec, "--out", "s")
        assert potomac("report", "s", "--limit", 1, "--format", "csv").stdout == asked
        (potomac.folder / "s").chmod(0o700)
    # Nobody has left a log beside it, which a reader would have to write to.
    assert not list((potomac.folder / "s").glob("results.sqlite-*"))


def test_a_full_disk_loses_nothing_that_was_there(potomac, spec):
    swept(potomac, spec, "s")
    before = query(potomac.folder / "s", "SELECT * FROM totals")
    csv_before = (potomac.folder / "s/sweep.csv").read_bytes()
    spec.write_text(SPEC.replace("to: 40, step: 8", "to: 400, step: 1"))

    def no_more_than_a_megabyte():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    done = subprocess.run(
        [potomac.program, "sweep", spec, "--out", "s"], cwd=potomac.folder, capture_output=True,
        text=True, preexec_fn=no_more_than_a_megabyte, check=False)  # fmt: skip
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert "results.sqlite" in error and "free some disk space and run again" in error
    assert (potomac.folder / "s/sweep.csv").read_bytes() == csv_before
    assert set(before) <= set(query(potomac.folder / "s", "SELECT * FROM totals"))
    assert "refused; " in swept(potomac, spec, "s").stdout


def test_a_column_that_is_not_there_is_answered_with_the_nearest(potomac, spec):
    swept(potomac, spec, "s")
    assert "did you mean 'mf_mac_cycles_total'?" in potomac.refuses(
        "report", "s", "--sort", "mf_mac_cycle_total")  # fmt: skip
    assert "holds for no point" in potomac.refuses("report", "s", "--where", "array.rows > 1000")


# --- ranks of an MPI job ---------------------------------------------------------------------------


def mpirun(potomac, *arguments):
    """On two ranks: one owns the store, the other computes."""
    return subprocess.run(
        ["mpirun", "--oversubscribe", "-n", "2", potomac.program, *map(str, arguments)],
        env={**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"},
        cwd=potomac.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
        check=False)  # fmt: skip


# Points that are closed forms, that choose tiles, that are stepped through.
FORMS = {
    "closed forms": SPEC,
    "tiles": SPEC.replace("pe.operand_bits: [5, 4]", "memory.first.kib: [32]\n"
                          "  memory.dram.bandwidth_gb_s: [12.8]").replace("to: 40", "to: 16"),
    "steps": f"trace: {ROOT}/workloads/traces/fashion-cnn-b16.h5\narch: os-16x16\nengine: systemc\n"
             "layers: '*fc2*'\nparameters: {array.rows: [8, 16, 8], array.cols: [5, 12]}\n",
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_ranks_compute_what_one_process_does(potomac, spec, form):
    spec.write_text(FORMS[form])
    swept(potomac, spec, "one", "--keep-passes")
    done = mpirun(potomac, "sweep", spec, "--out", "ranks", "--keep-passes")
    assert done.returncode == 0, done.stderr
    one, ranks = potomac.folder / "one", potomac.folder / "ranks"
    assert (ranks / "sweep.csv").read_bytes() == (one / "sweep.csv").read_bytes()
    # Numbers of points are a store's own: passes are laid side by side by what they are of.
    passes = ("SELECT s.id % (1 << 40), n.* FROM passes n JOIN sweep_points s ON s.point = n.point "
              "ORDER BY s.id, n.number, n.machine")  # fmt: skip
    of_one, of_ranks = ([row[:1] + row[2:] for row in query(folder, passes)] for folder in (one, ranks))
    assert of_one == of_ranks and of_one
    again = mpirun(potomac, "sweep", spec, "--out", "ranks", "--keep-passes")
    assert "; 0 computed" in again.stdout


def test_a_rank_that_dies_ends_the_job_and_loses_nothing_that_was_there(potomac, trace, arch):
    spec = potomac.folder / "sweep.yaml"
    spec.write_text(f"trace: {trace}\narch: {arch}\nengine: systemc\nlayers: '*conv1*'\n"
                    "parameters: {array.rows: [8, 12, 16, 20, 24]}\n")  # fmt: skip
    killed = subprocess.Popen(
        ["mpirun", "--oversubscribe", "-n", "2", potomac.program, "sweep", spec, "--out", "s"],
        env={**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"},
        cwd=potomac.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    there = 0
    while there < 2 and killed.poll() is None:
        with contextlib.suppress(sqlite3.OperationalError):
            there = query(potomac.folder / "s", "SELECT count(*) FROM sweep_points")[0][0]
    # The one that holds no lock computes.
    lock = int((potomac.folder / "s/.potomac-lock").read_text())
    children = subprocess.run(["pgrep", "-P", str(killed.pid)], capture_output=True, text=True, check=True)
    worker = next(int(pid) for pid in children.stdout.split() if int(pid) != lock)
    os.kill(worker, signal.SIGKILL)
    errors = killed.communicate(timeout=60)[1]
    assert killed.returncode != 0
    assert [line for line in errors.splitlines() if line.startswith("potomac:")] == [
        "potomac: stopped; what was computed is kept, and the same command goes on from there"]
    assert f"{5 - there} computed, {there} from the store" in swept(potomac, spec, "s").stdout


def test_what_is_wrong_is_said_by_one_rank(potomac, spec):
    spec.write_text(SPEC.replace("array.rows", "array.rowz"))
    done = mpirun(potomac, "sweep", spec, "--out", "s")
    assert done.returncode == 2
    assert done.stderr.count("potomac: error:") == 1 and "array.rowz" in done.stderr
    assert not (potomac.folder / "s").exists()
    spec.write_text(SPEC.replace("pe.operand_bits", "pe.accumulator.bits: [16]\n  pe.operand_bits"))
    done = mpirun(potomac, "sweep", spec, "--out", "s")
    assert "no point of the sweep can run" in done.stderr and done.stderr.count("potomac: error:") == 1
    assert not (potomac.folder / "s").exists()
