"""scripts/setup.sh against a machine made of stand-ins: a dpkg that knows some packages, and an apt-get
that writes down what it was asked."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "setup.sh"


class Machine:
    """A PATH with nothing but these programs."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.asked = folder / "asked"
        self.add("env", '[ "$1" = DEBIAN_FRONTEND=noninteractive ] && shift; exec "$@"')

    def add(self, program: str, body: str) -> None:
        file = self.folder / program
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)

    def add_apt(self, *, without: str, exit_status: int = 0) -> None:
        self.add("dpkg-query", f'case "$3" in {without}) exit 1 ;; esac; echo installed')
        install = f'case "$*" in *install*) exit {exit_status} ;; esac'
        self.add("apt-get", f'echo "$*" >>{self.asked}; {install}')
        # Whoever runs the tests, root or not.
        self.add("sudo", 'exec "$@"')

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", SCRIPT, *arguments],
            env={"PATH": str(self.folder), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )


@pytest.fixture(name="machine")
def empty_machine(tmp_path) -> Machine:
    return Machine(tmp_path)


def test_asks_for_nothing_when_nothing_is_missing(machine):
    machine.add_apt(without="none")
    assert machine.run("test").returncode == 0
    assert not machine.asked.exists()


def test_says_and_installs_what_is_missing_and_no_more(machine):
    machine.add_apt(without="cmake|libfmt-dev")
    run = machine.run("build")
    assert run.returncode == 0
    assert "about to install with apt-get: cmake libfmt-dev\n" in run.stdout
    update, install = machine.asked.read_text().splitlines()
    assert "update" in update
    assert "--no-install-recommends" in install
    assert install.endswith(" cmake libfmt-dev")


def test_what_only_the_tests_need_is_not_installed_to_build(machine):
    machine.add_apt(without="clang-tidy")
    assert machine.run("build").returncode == 0
    assert not machine.asked.exists()
    assert machine.run("test").returncode == 0
    assert machine.asked.read_text().splitlines()[-1].endswith(" clang-tidy")


def test_fails_with_a_remedy_when_apt_fails(machine):
    machine.add_apt(without="cmake", exit_status=100)
    run = machine.run("build")
    assert run.returncode == 1
    assert "POTOMAC_SKIP_SETUP=1" in run.stderr


def test_without_apt_it_lists_the_packages(machine):
    run = machine.run("build")
    assert run.returncode == 1
    assert "libsystemc-dev" in run.stderr
    assert machine.run("build", POTOMAC_SKIP_SETUP="1").returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root needs no sudo")
def test_without_root_and_sudo_it_says_what_root_should_run(machine):
    machine.add_apt(without="cmake")
    (machine.folder / "sudo").unlink()
    run = machine.run("build")
    assert run.returncode == 1
    assert "as root, run:" in run.stderr
    assert not machine.asked.exists()


def test_a_wrong_word_is_wrong_usage(machine):
    assert machine.run("everything").returncode == 2
