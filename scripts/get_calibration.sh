#!/usr/bin/env bash
# Writes build/data/calibration.txt, what pruning is calibrated with in bench/experiments: the first
# 128 texts of at least 8 words of those rated sentences that no task is measured with. Gets the
# sentences if they are not there, and prints the file.
source "$(dirname "$0")/common.sh"

folder=$(scripts/get_sentences.sh)
out=build/data/calibration.txt
for file in amazonReviewSnippets nytEditorialSnippets; do
  tr -d '\r' <"$folder/${file}_GroundTruth.txt" | cut -f 3- |
    awk 'NF >= 8 && count < 128 { print; count++ }'
done >"$out.part"
mv "$out.part" "$out"
echo "$out"
