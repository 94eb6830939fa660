"""What is installed beside the program: completions, the manual page, and the Debian package.

`POTOMAC_BINARY_DIR` is the build folder that the program lies in.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import pytest

BUILD = pathlib.Path(os.environ["POTOMAC_BINARY_DIR"])
COMMANDS = {"run", "report", "models", "trace", "sweep"}


@pytest.fixture
def generated(potomac):
    def write(what: str) -> pathlib.Path:
        done = potomac("generate", what)
        assert done.returncode == 0, done.stderr
        file = potomac.folder / f"potomac.{what}"
        file.write_text(done.stdout)
        return file

    return write


def output_of(command: list[str], **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def bash_words(script: pathlib.Path, *words: str) -> set[str]:
    """What bash offers for the last of the words."""
    line = " ".join(f"'{word}'" for word in words)
    return set(output_of([
        "bash", "-c",
        f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _potomac; "
        "printf '%s\\n' \"${COMPREPLY[@]}\"",
    ]).split())  # fmt: skip


def test_bash_completes_commands_options_and_words(generated):
    script = generated("bash")
    assert COMMANDS <= bash_words(script, "potomac", "")
    assert bash_words(script, "potomac", "tr") == {"trace"}
    assert bash_words(script, "potomac", "trace", "i") == {"import", "info"}
    assert bash_words(script, "potomac", "run", "--eng") == {"--engine"}
    assert bash_words(script, "potomac", "run", "--engine", "") == {"count", "fast", "systemc", "verilog"}
    assert bash_words(script, "potomac", "trace", "info", "--format", "j") == {"json"}
    # Files are bash's own business.
    assert bash_words(script, "potomac", "run", "") == set()
    assert bash_words(script, "potomac", "run", "--arch", "--") == set()


def test_fish_completes_commands_options_and_words(generated, potomac):
    script = generated("fish")
    path = f"{pathlib.Path(potomac.program).parent}:{os.environ['PATH']}"

    def offered(line: str) -> set[str]:
        printed = output_of(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
                            env={**os.environ, "PATH": path, "HOME": str(potomac.folder)})
        return {word.split("\t")[0] for word in printed.splitlines()}

    assert COMMANDS <= offered("potomac ")
    assert offered("potomac trace i") == {"import", "info"}
    assert offered("potomac run --eng") == {"--engine"}
    assert offered("potomac run --engine ") == {"count", "fast", "systemc", "verilog"}
    assert offered("potomac report --format m") == {"markdown"}


def test_zsh_reads_its_completion(generated):
    script = generated("zsh")
    output_of(["zsh", "-n", str(script)])
    # Its last line completes: where there is nothing to complete, `_arguments` is a stand-in.
    functions = output_of([
        "zsh", "-f", "-c", f"_arguments() {{ }}; source {script}; print -l ${{(k)functions}}"
    ]).split()  # fmt: skip
    assert {"_potomac", "_potomac_run", "_potomac_trace_info"} <= set(functions)


def test_the_manual_page_is_well_formed_and_names_every_option(generated, potomac):
    page = generated("man")
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)],
                          capture_output=True, text=True, check=False).stdout  # fmt: skip
    # It has no date, so that the same source gives the same page.
    assert [line for line in lint.splitlines() if "missing date" not in line] == []
    shown = " ".join(output_of(["mandoc", "-T", "utf8", str(page)]).replace("\b", "").split())
    for command in ("run", "report", "sweep", "trace info", "trace import"):
        help_text = potomac(*command.split(), "--help").stdout
        for word in help_text.split():
            if word.startswith("--"):
                # Bold is a letter over itself.
                assert word in shown or "".join(2 * c for c in word) in shown, word


def test_the_package_holds_all_that_a_run_needs(potomac):
    """Unpacked anywhere, it runs the shipped trace; what it depends on is Debian's."""
    output_of(["cpack", "--config", str(BUILD / "CPackConfig.cmake"), "-B", str(potomac.folder)])
    (package,) = potomac.folder.glob("potomac_*.deb")
    depends = output_of(["dpkg-deb", "--field", str(package), "Depends"])
    for name in [entry.split()[0] for entry in depends.split(",")]:
        output_of(["dpkg-query", "--status", name])
    root = potomac.folder / "root"
    output_of(["dpkg-deb", "--extract", str(package), str(root)])
    share = root / "usr/share"
    for file in ("man/man1/potomac.1", "bash-completion/completions/potomac", "doc/potomac/README.md",
                 "zsh/vendor-completions/_potomac", "fish/vendor_completions.d/potomac.fish"):  # fmt: skip
        assert (share / file).stat().st_size > 0
    printed = output_of([
        str(root / "usr/bin/potomac"), "run", str(share / "potomac/traces/fashion-cnn-b16.h5"),
        "--arch", str(share / "potomac/architectures/os-16x16.yaml"), "--energy", "tpuv4i-7nm",
        "--out", str(potomac.folder / "out"),
    ])  # fmt: skip
    assert "566952 cycles" in printed
    # Shipped files are found by their names beside the program.
    named = output_of([
        str(root / "usr/bin/potomac"), "models", "--format", "json",
    ])  # fmt: skip
    assert all(str(share / "potomac/models") in model["file"] for model in json.loads(named))
    output_of([
        str(root / "usr/bin/potomac"), "run", "resnet18", "--arch", "ws-32x32", "--out",
        str(potomac.folder / "by-name"),
    ])  # fmt: skip
    assert (share / "potomac/dram/ddr4-2400.yaml").is_file()
