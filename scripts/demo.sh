#!/usr/bin/env bash
# The main job: prunes all-MiniLM-L6-v2 in every pattern, packs it, runs it on real sentences, races
# every variant against dense, prints the table and writes tessera-report.html.
# usage: demo.sh
source "$(dirname "$0")/common.sh"

patterns=(irregular row column block:16x16 block:32x32 block:4x4 block:16x16+2:4 2:4 vnm:64:2:8)
sparsities=(0.5 0.9)
sentence_count=64
work=build/demo
tessera=build/release/runtime/cli/tessera

step() {
  echo "== $* =="
}

# sparsity_of PATTERN SPARSITY: what the pattern makes of it; fails where it was done already.
sparsity_of() {
  case $1 in
    2:4) [ "$2" = "${sparsities[0]}" ] && echo 0.5 ;;
    vnm:64:2:8) [ "$2" = "${sparsities[0]}" ] && echo 0.75 ;;
    *) echo "$2" ;;
  esac
}

# embed MODEL OUTPUT
embed() {
  "$tessera" run "$1" --file "$work/sentences.txt" --format json --output "$2"
}

# Adds to `embeddings` what demo_table.py wants to know of a variant.
prune_pack_run() {
  local pattern=$1 sparsity=$2 name=$1-$2 asked=()
  case $pattern in
    2:4 | vnm:*) ;;
    *) asked=(--sparsity "$sparsity") ;;
  esac
  "$tessera" prune "$model" --output "$work/pruned" --pattern "$pattern" "${asked[@]}" \
    >"$work/$name.prune.txt"
  "$tessera" pack "$work/pruned" --output "$work/packed" >"$work/$name.pack.txt"
  embed "$work/packed" "$work/$name.json"
  tail -n 1 "$work/$name.pack.txt" | sed "s|; wrote .*||; s|^|$pattern, $sparsity: |"
  embeddings+=("$pattern" "$sparsity" "$work/$name.json")
}

step "set-up"
scripts/setup.sh build demo
mkdir -p "$work"
sentences=
if model=$(scripts/get_minilm.sh); then
  if sentences=$(scripts/get_sentences.sh); then
    cut -f 3 "$sentences/movieReviewSnippets_GroundTruth.txt" | tr -d '\r' |
      sed -n "1,${sentence_count}p" >"$work/sentences.txt"
  else
    echo "no sentences without a package registry: the README's lines take their place"
    grep -E '^[A-Z][a-z].{20}' README.md | sed -n "1,${sentence_count}p" >"$work/sentences.txt"
  fi
else
  echo "going on without it: a model of MiniLM's size with random weights is raced,"
  echo "and nothing can be said about quality"
  model=minilm
fi

step "build"
{
  cmake --preset release
  ninja -C build/release -j "$(nproc)"
} >"$work/build.txt" || die "$(tail -n 30 "$work/build.txt")"
export TESSERA_TUNING=$work/tuning.json
"$tessera" doctor

step "tune: the cost model on this machine"
"$tessera" tune --output "$TESSERA_TUNING" >"$work/tune.txt"

embeddings=()
if [ -n "$model" ] && [ -d "$model" ]; then
  step "prune, pack, run on $(wc -l <"$work/sentences.txt") sentences"
  embed "$model" "$work/dense.json"
  for pattern in "${patterns[@]}"; do
    for asked in "${sparsities[@]}"; do
      sparsity=$(sparsity_of "$pattern" "$asked") || continue
      prune_pack_run "$pattern" "$sparsity"
    done
  done
  embeddings=("$work/dense.json" "${embeddings[@]}")
fi

step "images: a small ResNet on Fashion-MNIST, one thread, batches of 32, reading included"
scripts/demo_fashion.sh "$tessera"

step "race against dense, 128 tokens"
list=$(IFS=,; echo "${patterns[*]}")
"$tessera" bench "$model" --patterns "$list" --sparsities "$(IFS=,; echo "${sparsities[*]}")" \
  --threads 1,2 --html tessera-report.html --json "$work/bench.json" >"$work/bench.txt"

scripts/demo_table.py --markdown "$work/bench.json" "${embeddings[@]}" >"$work/table.md"
scripts/demo_table.py "$work/bench.json" "${embeddings[@]}"
cat <<END

x dense   times faster than Tessera's own dense run, same run, same threads
cosine    of the pruned model's sentence embeddings to the dense model's, mean and worst;
          1 is unharmed. Magnitude pruning without retraining destroys a model long before
          90 %: what is fast here is not thereby good.

tessera-report.html has the charts; $work/table.md the table; all is done in $SECONDS s
END
