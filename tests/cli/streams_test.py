"""Standard streams that are full or closed, and files given in one another's place."""

from __future__ import annotations

import subprocess

import pytest

BAD_INPUTS = [
    ["trace", "info", "nosuch"],
    ["run", "nosuch", "--arch", "nosuch", "--out", "o"],
    ["sweep", "nosuch", "--out", "o"],
    ["fly"],
    ["run"],
]


def shell(potomac, arguments, redirection):
    command = f'exec "$0" "$@" {redirection}'
    return subprocess.run(
        ["sh", "-c", command, potomac.program, *map(str, arguments)],
        cwd=potomac.folder,
        capture_output=True,
    )


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "2>&- >&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", BAD_INPUTS)
def test_bad_input_is_status_2_whatever_standard_error_is(potomac, arguments, redirection):
    assert shell(potomac, arguments, redirection).returncode == 2


def test_a_run_needs_no_standard_error(potomac, trace, arch):
    arguments = ["run", trace, "--arch", arch]
    assert shell(potomac, [*arguments, "--out", "open"], "").returncode == 0
    assert shell(potomac, [*arguments, "--out", "closed"], "2>&- <&-").returncode == 0
    for name in ("report.json", "layers.csv"):
        files = [potomac.folder / folder / name for folder in ("open", "closed")]
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize("arguments", [["--help"], ["help", "run"], ["--version"], ["trace", "info"]])
def test_what_cannot_be_printed_is_the_machines_fault(potomac, trace, arguments, redirection):
    if arguments == ["trace", "info"]:
        arguments = [*arguments, trace]
    done = shell(potomac, arguments, redirection)
    assert done.returncode == 1
    assert done.stderr.startswith(b"potomac: error: standard output: write failed")
    assert done.stderr.count(b"\n") == 1


def test_a_trace_and_an_architecture_in_each_others_place(potomac, trace, arch):
    line = potomac.refuses("run", arch, "--arch", trace, "--out", "o")
    assert "is an HDF5 file, such as a trace, where a YAML file belongs" in line
    line = potomac.refuses("run", arch, "--arch", arch, "--out", "o")
    assert "is not a model description" in line
    line = potomac.refuses("sweep", trace, "--out", "o")
    assert "is an HDF5 file" in line


def test_bytes_of_a_file_are_escaped_in_what_is_said_of_them(potomac, trace):
    (potomac.folder / "key.yaml").write_bytes(b"caf\xe9: 1\n")
    (potomac.folder / "bell.yaml").write_bytes(b'"a\\a\\e[31mb": 1\n')
    assert r"caf\xE9" in potomac.refuses("run", trace, "--arch", "key.yaml", "--out", "o")
    assert r"a\x07\x1B[31mb" in potomac.refuses("run", trace, "--arch", "bell.yaml", "--out", "o")
