#!/usr/bin/env bash
# Gets NVIDIA's disassembler from the PyPI package nvidia-cuda-nvdisasm, checks it, and prints where it
# is. The package's licence is NVIDIA's; nothing of it becomes part of the project.
source "$(dirname "$0")/common.sh"

folder=build/tools
checksums=scripts/checksums/nvdisasm.sha256
if verified "$folder" "$checksums"; then
  echo "$folder/nvdisasm"
  exit 0
fi

mkdir -p "$folder"
work=$(mktemp -d "$folder/download.XXXXXX")
trap 'rm -rf "$work"' EXIT
pip_download "$work" nvidia-cuda-nvdisasm==13.5.37 \
  d3fdbdd49fa53e2e4aacd3db8259d052bd2b049ececdcb69e92e083c6728e7ca >&2 ||
  die "get_nvdisasm.sh: no package registry could be reached that has nvidia-cuda-nvdisasm 13.5.37"

unzip -q -j "$work"/*.whl 'nvidia/*/bin/nvdisasm' -d "$work"
verified "$work" "$checksums" || die "get_nvdisasm.sh: the program differs from $checksums"
chmod +x "$work/nvdisasm"
mv "$work/nvdisasm" "$folder"
echo "$folder/nvdisasm"
