#!/usr/bin/env bash
# Builds the documentation as a site, without a network: docs/, the README, the C++ headers.
#
#   scripts/docs.sh [FOLDER]    into FOLDER (default: build-docs); open FOLDER/index.html
#
# What Sphinx has to say (a link that leads nowhere, say) is an error.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=$(realpath -m "${1:-build-docs}")
scripts/setup.sh docs

export POTOMAC_DOXYGEN=$out/.work/doxygen
rm -rf "$out"
mkdir -p "$POTOMAC_DOXYGEN"
# The rooms that the site has: each `{headers} ROOM` of its pages.
rooms=$(sed -n 's/^```{headers} //p' docs/site/cpp/*.md)
for room in $rooms; do
  mkdir "$POTOMAC_DOXYGEN/${room//\//.}"
  printf '%s\n' "$room"
done | xargs -P "$(nproc)" -n 1 sh -c '
  export POTOMAC_ROOM="$1" POTOMAC_PROJECT=$(echo "$1" | tr / .)
  exec doxygen docs/site/Doxyfile >/dev/null 2>&1' doxygen

/usr/bin/python3 -m sphinx -q -W --keep-going -j "$(nproc)" -c docs/site -d "$out/.work/doctrees" . "$out"
rm -rf "$out/.work"
# The first page, under the name that a browser looks for.
printf '<!DOCTYPE html><meta charset="utf-8"><title>Potomac</title><meta http-equiv="refresh" content="0; url=docs/site/index.html">\n' \
  > "$out/index.html"
printf 'site: %s/index.html\n' "$out"
