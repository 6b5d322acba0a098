#!/usr/bin/env bash
# Prunes a model with ADMM, retrains it with scripts/finetune.py and evaluates it, one pattern after
# another; 16x16 blocks by degrees, each from the retrained one before. May be killed and called again.
# usage: retrain.sh minilm|fashion [STEPS]
#   STEPS   of each retraining, of 2048 tokens or 128 images (default: as written below)
# Everything goes to build/retrain: NAME.oneshot and NAME.retrained hold the figures, NAME.log how it went.
# FINETUNE_OPTIONS are handed on, such as --bf16 where the CPU has AMX.
source "$(dirname "$0")/common.sh"

kind=${1-} given=${2-}
out=build/retrain
tessera=build/release/runtime/cli/tessera
read -ra options <<<"${FINETUNE_OPTIONS-}"
case $kind in
  minilm)
    dense=build/models/minilm calibration=build/data/calibration.txt
    options+=(--tokens 2048 --every 50)
    evaluation=(-r "$dense" -T fidelity -T sentiment -d build/data/sentences)
    ;;
  fashion)
    dense=models/fashion-resnet calibration=/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
    options+=(--every 100)
    evaluation=(-T fashion)
    ;;
  *) die "retrain.sh: minilm or fashion, not '$kind'" ;;
esac
cmake --preset release >/dev/null
ninja -C build/release tessera
if [ "$kind" = minilm ]; then
  [ -d build/cpu ] || cmake --preset cpu
  ninja -C build/cpu tests/encode
fi
mkdir -p "$out"

# retrain FROM NAME STEPS PRUNING...: FROM is a folder.
retrain() {
  local from=$1 at="$out/$kind-$2" steps=${given:-$3}
  if [ ! -e "$at.oneshot" ]; then
    "$tessera" prune "$from" -o "$at-pruned" --method admm --calibrate "$calibration" \
      "${@:4}" >"$at.prune"
    "$tessera" evaluate "$at-pruned" "${evaluation[@]}" >"$at.part"
    mv "$at.part" "$at.oneshot"
  fi
  if [ ! -e "$at.retrained" ]; then
    /usr/bin/python3 scripts/finetune.py "$dense" "$at-pruned" "$at" --steps "$steps" \
      --threads 1 "${options[@]}" | tee -a "$at.log"
    "$tessera" evaluate "$at" "${evaluation[@]}" >"$at.part"
    mv "$at.part" "$at.retrained"
  fi
}

if [ "$kind" = minilm ]; then
  retrain "$dense" 16x16-50 3000 -p block:16x16 -s 0.5 --budget measured --permute
  retrain "$dense" 2of4 400 -p 2:4
  retrain "$dense" vnm 400 -p vnm:64:2:8 --permute
  retrain "$out/$kind-16x16-50" 16x16-80 350 -p block:16x16 -s 0.8
  retrain "$out/$kind-16x16-80" 16x16-90 200 -p block:16x16 -s 0.9
else
  retrain "$dense" 16x16-50 800 -p block:16x16 -s 0.5 --budget erk
  retrain "$out/$kind-16x16-50" 16x16-80 5200 -p block:16x16 -s 0.8 --budget erk
  retrain "$out/$kind-16x16-80" 16x16-90 1000 -p block:16x16 -s 0.9 --budget erk
  retrain "$dense" 2of4 1000 -p 2:4
  retrain "$dense" vnm 1000 -p vnm:64:2:8
fi
grep -H -E 'accuracy  |cosine|rank|frozen  ' "$out/$kind"-*.oneshot "$out/$kind"-*.retrained
