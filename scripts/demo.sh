#!/usr/bin/env bash
# From a fresh clone to the report of the shipped training trace: set up, build, run.
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/setup.sh build
# A build folder of its own: the tests' needs more packages.
mkdir -p build-demo
cmake -S . -B build-demo -G Ninja -DCMAKE_BUILD_TYPE=Release -DPOTOMAC_TESTS=OFF -DCMAKE_UNITY_BUILD=ON \
  > build-demo/configure.log 2>&1 || { cat build-demo/configure.log >&2; exit 1; }
echo "demo: building (some two minutes the first time)"
cmake --build build-demo --target potomac

build-demo/sim/potomac run workloads/traces/fashion-cnn-b16.h5 \
  --arch sim/architectures/os-16x16.yaml \
  --energy paper-2302.14458 --energy horowitz-45nm --energy tpuv4i-7nm \
  --out out/demo
echo "demo: the program is build-demo/sim/potomac; what it can do: build-demo/sim/potomac --help"
