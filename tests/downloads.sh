#!/usr/bin/env bash
# Without a registry the download scripts fail, say so, and leave nothing behind; what is there and
# intact is not fetched again; what is there and damaged is.
# usage: downloads.sh SCRIPTS_FOLDER
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$1" "$work/scripts"
export PIP_NO_INDEX=1 PIP_FIND_LINKS=

# check SCRIPT FOLDER CHECKSUMS
check() {
  local script=$work/scripts/$1 folder=$work/build/$2 sums=$work/scripts/checksums/$3
  if "$script" >"$work/out" 2>"$work/err"; then echo "$1 succeeds without a registry"; exit 1; fi
  grep -q "$1: no package registry could be reached" "$work/err" || { cat "$work/err"; exit 1; }
  [ ! -s "$work/out" ] || { echo "$1 prints a folder that is not there"; exit 1; }
  [ -z "$(find "$work/build" -type f)" ] || { echo "$1 leaves files behind"; exit 1; }

  mkdir -p "$folder/sub"
  echo content >"$folder/sub/file"
  (cd "$folder" && sha256sum sub/file) >"$sums"
  [ "$("$script")" = "build/$2" ] || { echo "$1 does not take what is there"; exit 1; }
  echo damaged >"$folder/sub/file"
  if "$script" >"$work/out" 2>&1; then echo "$1 takes a damaged file"; exit 1; fi
  rm -r "$work/build"
}

check get_minilm.sh models/minilm minilm.sha256
check get_sentences.sh data/sentences sentences.sha256
echo "no registry, intact, damaged"
