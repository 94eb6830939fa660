#!/usr/bin/env bash
# Fuzzes what reads users' files: builds with clang's sanitizers, and mutates inputs of each format.
#
#   scripts/fuzz.sh [SECONDS] [FORMAT...]    600 seconds each, of all formats
#
# It begins with tests/fuzz/corpora and files that ship, keeps what it reaches in
# build-fuzz/corpora, and what it finds in build-fuzz/findings: mend it, make it small
# (build-fuzz/tests/fuzz/potomac_fuzz -minimize_crash=1), and put it into tests/fuzz/corpora.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
shift || true
formats=("$@")
if ((${#formats[@]} == 0)); then
  formats=(onnx trace report architecture scalesim-config scalesim-topology model energy sweep preset)
fi

scripts/setup.sh test
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz

# Files that ship, or that Debian's packages bring, of a format.
seeds_of() {
  case $1 in
    onnx) find /usr/share/libonnx-testdata/data -name '*.onnx' -size -16k ;;
    trace) find tests/fuzz/corpora/trace -type f ;;
    architecture) ls sim/architectures/*.yaml ;;
    model) ls workloads/models/*.yaml ;;
    energy) ls energy/tables/*.yaml ;;
    sweep) ls sim/sweeps/*.yaml ;;
    preset) ls sim/dram/*.yaml ;;
    *) true ;;
  esac
}

failed=0
for format in "${formats[@]}"; do
  corpus=build-fuzz/corpora/$format
  mkdir -p "$corpus" build-fuzz/findings
  seeds_of "$format" | while read -r file; do
    cp "$file" "$corpus/$(sha1sum <"$file" | cut -c1-40)"
  done
  printf 'fuzz: %s, %s s\n' "$format" "$seconds"
  POTOMAC_FUZZ_TARGET=$format ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0 \
    build-fuzz/tests/fuzz/potomac_fuzz "$corpus" "tests/fuzz/corpora/$format" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -artifact_prefix="build-fuzz/findings/$format-" -print_final_stats=1 >"build-fuzz/$format.log" 2>&1 || {
    failed=1
    printf 'fuzz: %s: a finding, see build-fuzz/%s.log\n' "$format" "$format"
  }
  grep -a 'stat::number_of_executed_units' "build-fuzz/$format.log" || true
done
exit $failed
