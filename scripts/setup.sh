#!/usr/bin/env bash
# Installs the Debian 12 packages that Potomac needs, if any is missing: says which, then does it.
# Usage: scripts/setup.sh build|test
set -euo pipefail

build_packages=(
  cmake g++ libboost-dev libcli11-dev libfmt-dev libhdf5-dev libhwy-dev libsystemc-dev
  libyaml-cpp-dev ninja-build nlohmann-json3-dev pkg-config zlib1g-dev
)
test_packages=(
  clang-format clang-tidy dataset-fashion-mnist git libbenchmark-dev libgmock-dev libgtest-dev
  libopenblas0-pthread librapidcheck-dev python3 python3-h5py python3-numpy python3-pytest
  python3-setuptools python3-torch
)

case "${1:-}" in
  build) packages=("${build_packages[@]}") ;;
  test) packages=("${build_packages[@]}" "${test_packages[@]}") ;;
  *)
    echo "usage: scripts/setup.sh build|test" >&2
    exit 2
    ;;
esac

if ! command -v apt-get > /dev/null; then
  echo "setup: this is not a Debian system (no apt-get); install the equivalents of: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  if ! dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'install ok installed'; then
    missing+=("$package")
  fi
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo > /dev/null; then
    echo "setup: neither root nor sudo; as root, run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "setup: about to install with apt-get: ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends "${missing[@]}"
