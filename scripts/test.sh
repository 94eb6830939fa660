#!/usr/bin/env bash
# Builds and checks everything; this is what continuous integration runs.
#
#   scripts/test.sh            includes, formatting, clang-tidy, three sanitizers, tests
#   scripts/test.sh --quick    the optimized build and its tests, nothing else
#
# Stops at the first step that fails. Steps that are cheap come first; the tests of the optimized
# build come last, so that the last lines are ctest's own summary.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

jobs=$(nproc)
step=
step_began=0

end_step() {
  if [[ -n $step ]]; then
    printf -- '--- %s: %d s\n' "$step" "$((SECONDS - step_began))"
  fi
}

begin_step() {
  end_step
  step=$1
  step_began=$SECONDS
  printf '\n=== %s\n' "$step"
}

report_failure() {
  printf '\n*** failed: %s (after %d s)\n' "${step:-scripts/test.sh}" \
    "$((SECONDS - step_began))" >&2
}

# Prints what a command said only if it fails.
quietly() {
  local output status=0
  output=$("$@" 2>&1) || status=$?
  if ((status != 0)); then
    printf '%s\n' "$output"
  fi
  return "$status"
}

build() { # <preset> <CMake options>...
  local preset=$1
  shift
  quietly cmake --preset "$preset" -DPOTOMAC_TESTS=ON "$@"
  cmake --build --preset "$preset" --parallel "$jobs"
}

run_tests() { # <preset> <ctest options>...
  local preset=$1
  shift
  ctest --preset "$preset" --parallel "$jobs" --no-tests=error --no-label-summary "$@"
}

check_format() {
  find support rtl_models energy workloads sim tests \( -name '*.cpp' -o -name '*.hpp' \) -print0 |
    xargs -0 clang-format --dry-run -Werror
}

main() {
  local quick=false
  case "${1:-}" in
    '') ;;
    --quick) quick=true ;;
    *)
      printf 'usage: scripts/test.sh [--quick]\n' >&2
      exit 2
      ;;
  esac
  trap report_failure ERR

  # A compiler cache makes later runs from nothing short, wherever the clone lies.
  if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  fi

  begin_step 'packages'
  scripts/setup.sh test

  if ! $quick; then
    begin_step 'includes between rooms'
    scripts/check_includes.py
    begin_step 'formatting'
    check_format
  fi

  begin_step 'optimized build'
  build release -DCMAKE_UNITY_BUILD=ON -DPOTOMAC_MPI=ON

  if ! $quick; then
    begin_step 'clang-tidy'
    scripts/run_clang_tidy.py build
    begin_step 'sanitizer build'
    build sanitize
    # The Python tests look at results; the same code is under the sanitizers in the C++ tests.
    begin_step 'tests under the sanitizers'
    run_tests sanitize --label-exclude python
    begin_step 'thread sanitizer build'
    build thread
    begin_step 'tests under the thread sanitizer'
    run_tests thread
  fi

  begin_step 'tests'
  run_tests release
}

main "$@"
