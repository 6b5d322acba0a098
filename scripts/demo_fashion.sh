#!/usr/bin/env bash
# The demo's part about images: prunes models/fashion-resnet in every pattern and prints what is left
# of its accuracy on Fashion-MNIST's 10,000 test images, and the time an image takes.
# usage: demo_fashion.sh [COMMAND]     (default: build/release/runtime/cli/tessera)
source "$(dirname "$0")/common.sh"

tessera=${1:-build/release/runtime/cli/tessera}
model=models/fashion-resnet
work=build/demo/fashion
patterns=(irregular row column block:16x16 2:4 vnm:16:2:8)
sparsities=(0.3 0.5)
images=10000

# row PATTERN SPARSITY MODEL: evaluates on one thread, everything between start and end counted.
dense_ms=
row() {
  local begin end accuracy ms
  begin=$EPOCHREALTIME
  "$tessera" evaluate "$3" --task fashion --threads 1 --json >"$work/evaluation.json"
  end=$EPOCHREALTIME
  accuracy=$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["tasks"][0]["metrics"]["accuracy"]["value"])' \
    "$work/evaluation.json")
  ms=$(awk -v b="$begin" -v e="$end" -v n=$images 'BEGIN { print 1000 * (e - b) / n }')
  [ -n "$dense_ms" ] || dense_ms=$ms
  awk -v p="$1" -v s="$2" -v a="$accuracy" -v m="$ms" -v d="$dense_ms" 'BEGIN {
    printf "| %s | %.0f %% | %.2f %% | %.3f | %.2f |\n", p, 100 * s, 100 * a, m, d / m }' |
    tee -a "$work/table.md"
}

# variant PATTERN SPARSITY
variant() {
  local asked=(--sparsity "$2") sparsity=$2 pruned=$work/pruned
  case $1 in
    2:4) asked=() sparsity=0.5 ;;
    vnm:16:2:8) asked=() sparsity=0.75 ;;
  esac
  "$tessera" prune "$model" --output "$pruned" --pattern "$1" "${asked[@]}" >"$work/prune.txt"
  if [ "$1" = row ]; then
    "$tessera" shrink "$pruned" --output "$work/small" >"$work/shrink.txt"
    pruned=$work/small
  fi
  "$tessera" pack "$pruned" --output "$work/packed" >"$work/pack.txt"
  row "$1" "$sparsity" "$work/packed"
}

if [ ! -e /usr/share/datasets/fashion-mnist ]; then
  echo "no Fashion-MNIST (Debian's dataset-fashion-mnist): the part about images is left out"
  exit
fi
mkdir -p "$work"
printf '%s\n' '| pattern | sparsity | accuracy | ms an image | x dense |' \
  '| --- | ---: | ---: | ---: | ---: |' | tee "$work/table.md"
row dense 0 "$model"
for pattern in "${patterns[@]}"; do
  for sparsity in "${sparsities[@]}"; do
    case $pattern in
      2:4 | vnm:*) [ "$sparsity" = "${sparsities[0]}" ] || continue ;;
    esac
    variant "$pattern" "$sparsity"
  done
done
