#!/usr/bin/env bash
# Gets the rated sentences (MIT) of the PyPI source package vaderSentiment 2.5: four files of
# id, TAB, rating, TAB, text. Checks them and prints the folder.
source "$(dirname "$0")/common.sh"

folder=build/data/sentences
checksums=scripts/checksums/sentences.sha256
if verified "$folder" "$checksums"; then
  echo "$folder"
  exit 0
fi

mkdir -p build/data
work=$(mktemp -d build/data/download.XXXXXX)
trap 'rm -rf "$work"' EXIT
pip_download "$work" vaderSentiment==2.5 \
  b960c954831f5ca58afee61780cc04ed48e551b91e783bfcbfb2c18bb8081a84 --no-binary :all: >&2 ||
  die "get_sentences.sh: no package registry could be reached that has vaderSentiment 2.5"

package=vaderSentiment-2.5
tar -xzf "$work/$package.tar.gz" -C "$work" --no-same-owner \
  $package/LICENSE.txt $package/additional_resources/hutto_ICWSM_2014.tar.gz
tar -xzf "$work/$package/additional_resources/hutto_ICWSM_2014.tar.gz" -C "$work" \
  --no-same-owner --wildcards '*_GroundTruth.txt'
mkdir "$work/sentences"
find "$work" -name '*_GroundTruth.txt' -exec mv -t "$work/sentences" {} +
mv "$work/$package/LICENSE.txt" "$work/sentences"
verified "$work/sentences" "$checksums" ||
  die "get_sentences.sh: a file of the package differs from $checksums"
rm -rf "$folder"
mv "$work/sentences" "$folder"
echo "$folder"
