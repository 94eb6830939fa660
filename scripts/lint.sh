#!/usr/bin/env bash
# clang-format and clang-tidy over our own C++. Usage: scripts/lint.sh format|tidy
# tidy reads build/compile_commands.json (cmake --preset release).
set -euo pipefail
cd "$(dirname "$0")/.."

rooms=(support rtl_models energy workloads sim tests)

case "${1:-}" in
  format)
    find "${rooms[@]}" -name '*.[ch]pp' -print0 | xargs -0 clang-format --dry-run -Werror
    ;;
  tidy)
    # Highway compiles this file once per instruction set by including it into itself, which clang-tidy
    # analyses five times over at minutes each; its logic is held by exhaustive tests instead.
    mapfile -t files < <(find "${rooms[@]}" -name '*.cpp' \
      ! -path sim/fast/exact_kernels.cpp ! -path tests/benchmarks/int16_peak.cpp)
    # A file is looked at again only if it, a header of ours, or the rules have changed.
    stamps=build/tidy
    mkdir -p "$stamps"
    common=$(cat .clang-tidy CMakeLists.txt "${rooms[@]/%//CMakeLists.txt}" \
      $(find "${rooms[@]}" -name '*.hpp' | sort) | sha256sum | cut -c1-16)
    todo=()
    for file in "${files[@]}"; do
      stamp="$stamps/$(echo "$common $(sha256sum < "$file")" | sha256sum | cut -c1-32)"
      [[ -e "$stamp" ]] || todo+=("$file" "$stamp")
    done
    ((${#todo[@]} == 0)) || printf '%s\0' "${todo[@]}" |
      xargs -0 -n 2 -P "$(nproc)" bash -c 'clang-tidy -p build --quiet "$0" 2> /dev/null && touch "$1"'
    ;;
  *)
    echo "usage: scripts/lint.sh format|tidy" >&2
    exit 2
    ;;
esac
