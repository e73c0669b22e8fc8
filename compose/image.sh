#!/usr/bin/env bash
# Builds the image `lpt` from a static binary, without pulling anything.
#
#   compose/image.sh              builds the binary first (rustup target x86_64-unknown-linux-musl, a C compiler)
#   compose/image.sh BINARY       takes this one
#
# Environment: IMAGE (lpt:latest), PROFILE (release), CARGO_TARGET_DIR.
set -euo pipefail
cd "$(dirname "$0")/.."
image=${IMAGE:-lpt:latest}
profile=${PROFILE:-release}
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || true)

binary=${1:-}
if [[ -z $binary ]]; then
    target=$(uname -m)-unknown-linux-musl
    rustup target list --installed | grep -qx "$target" || rustup target add "$target" >&2
    # musl-gcc where it exists; the C parts need nothing else.
    compiler=$(command -v musl-gcc || command -v gcc)
    export "CC_${target//-/_}=$compiler" LPT_COMMIT="$commit"
    cargo build --locked --profile "$profile" --target "$target" -p lpt >&2
    binary=${CARGO_TARGET_DIR:-target}/$target/$profile/lpt
fi

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
mkdir "$context/fleet" "$context/out"
chmod 0777 "$context/out"
cp "$binary" "$context/lpt"
strip "$context/lpt"
version=$(sed -n '/^version = /{s/^version = "\(.*\)"/\1/p;q}' Cargo.toml)
DOCKER_BUILDKIT=0 docker build --quiet -f compose/Dockerfile.prebuilt \
    --build-arg COMMIT="$commit" --build-arg VERSION="$version" -t "$image" "$context" >&2
echo "$image"
