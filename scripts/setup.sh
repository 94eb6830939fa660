#!/usr/bin/env bash
# Installs the Debian 12 packages that Potomac needs, if any is missing: says which, then does it.
#
#   scripts/setup.sh build    what the build needs
#   scripts/setup.sh python   what the Python package needs as well
#   scripts/setup.sh docs     what the site of the documentation needs
#   scripts/setup.sh verilog  what --engine verilog compiles its arrays with
#   scripts/setup.sh test     what the tests and checks need as well
#
# Where none is missing, neither root nor the network is needed, and it is over at once.
# POTOMAC_SKIP_SETUP=1 leaves the machine as it is: for systems without apt, where you have
# installed the same libraries your own way.
set -euo pipefail

build_packages=(
  cmake g++ libboost-dev libcli11-dev libfmt-dev libhdf5-dev libhwy-dev libonnx-dev libprotobuf-dev
  libsqlite3-dev libsqlitecpp-dev libssl-dev libsystemc-dev libyaml-cpp-dev ninja-build
  nlohmann-json3-dev pkg-config
)
python_packages=(pybind11-dev python3-dev python3-numpy python3-pandas python3-pip python3-venv)
docs_packages=(doxygen python3-breathe python3-myst-parser python3-sphinx python3-sphinx-rtd-theme)
# Verilator's Makefiles are not used: make is not needed. FST waveforms are compressed: zlib.
verilog_packages=(g++ verilator zlib1g-dev)
# Debian's own Python runs the scripts and the capture package, with Debian's packages for it.
# OpenBLAS: without it Debian's PyTorch is some 25 times slower.
test_packages=(
  ccache chromium chromium-driver clang clang-format clang-tidy dataset-fashion-mnist
  dict-freedict-eng-deu dpkg-dev fish git libbenchmark-dev libboost-mpi-dev libclang-rt-14-dev
  libgmock-dev libgtest-dev libonnx-testdata libopenblas0-pthread librapidcheck-dev make mandoc mypy
  openmpi-bin procps python3 python3-h5py python3-ipykernel python3-matplotlib python3-nbclient
  python3-onnx python3-pytest python3-selenium python3-torch python3-torchvision python3-yaml
  sqlite3 yosys zsh
)

die() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

# Prints those of its arguments that are not installed.
missing_packages() {
  local package status
  for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || true
    if [[ $status != installed ]]; then
      printf '%s\n' "$package"
    fi
  done
}

# Runs apt-get as root. The variable is set behind sudo, which does not pass the environment on.
as_root_apt_get() {
  local command=(env DEBIAN_FRONTEND=noninteractive apt-get -q "$@")
  if ((EUID != 0)); then
    command=(sudo "${command[@]}")
  fi
  "${command[@]}"
}

install_packages() {
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    die "neither root nor sudo; as root, run:" \
      "  apt-get install --no-install-recommends $*"
  fi
  # A source of packages that does not answer need not be the one that these come from.
  as_root_apt_get update || printf 'setup: apt-get update failed; going on\n' >&2
  # A machine may run apt of its own at startup: wait for its lock.
  as_root_apt_get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$@" ||
    die "apt-get could not install them; what it says is above." \
      "They are packages of Debian 12 (bookworm), main. On another release, install what they" \
      "hold your own way, and set POTOMAC_SKIP_SETUP=1."
}

main() {
  local wanted
  case ${1:-} in
    build) wanted=("${build_packages[@]}") ;;
    python) wanted=("${build_packages[@]}" "${python_packages[@]}") ;;
    docs) wanted=("${docs_packages[@]}") ;;
    verilog) wanted=("${verilog_packages[@]}") ;;
    test)
      wanted=(
        "${build_packages[@]}" "${python_packages[@]}" "${docs_packages[@]}"
        "${verilog_packages[@]}" "${test_packages[@]}"
      )
      ;;
    *)
      printf 'usage: scripts/setup.sh build|python|docs|verilog|test\n' >&2
      exit 2
      ;;
  esac
  if [[ ${POTOMAC_SKIP_SETUP:-} == 1 ]]; then
    return
  fi
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    die "this is not a Debian system (no apt-get). Install what these packages hold your own way:" \
      "  ${wanted[*]}" \
      "and set POTOMAC_SKIP_SETUP=1."
  fi

  local missing
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  if ((${#missing[@]} > 0)); then
    printf 'setup: about to install with apt-get: %s\n' "${missing[*]}"
    install_packages "${missing[@]}"
  fi
}

main "$@"
