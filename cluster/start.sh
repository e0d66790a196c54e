#!/usr/bin/env bash
# Start a Ray node on this host, behind a token.
#
#   cluster/start.sh head [OPTIONS]             OPTIONS are those of `ray start`, such as
#   cluster/start.sh worker HEAD:6379 [OPTIONS] --num-gpus=2, --block, --dashboard-host=0.0.0.0
#
# The token lies in RAY_AUTH_TOKEN_PATH (~/.ray/auth_token); `head` makes it where there is none, and
# workers need the same. The dashboard listens on the loopback only. Ray's other ports do not: see
# docs/cluster.md. Metrics are for those who set RAY_enable_metrics_collection=1: they ask for no token.
set -euo pipefail

main() {
    local role=${1:-}
    [[ $role == head || ( $role == worker && -n ${2:-} ) ]] || usage
    shift
    export RAY_AUTH_MODE=${RAY_AUTH_MODE:-token} RAY_USAGE_STATS_ENABLED=0
    # Of a job that is stopped: fckd waits for up to 10 s for epochs, then writes down what it has.
    export RAY_JOB_STOP_WAIT_TIME_S=${RAY_JOB_STOP_WAIT_TIME_S:-30}
    close_metrics
    if [[ $RAY_AUTH_MODE == token && -z ${RAY_AUTH_TOKEN:-} ]]; then
        find_token "$role"
    fi
    if [[ $role == head ]]; then
        exec ray start --head --dashboard-host=127.0.0.1 --disable-usage-stats "$@"
    fi
    exec ray start --address="$1" --disable-usage-stats "${@:2}"
}

# Ray shows its metrics to whoever asks. Of the head's two ports it has no switch, but does without
# where they cannot be opened.
close_metrics() {
    export RAY_enable_metrics_collection=${RAY_enable_metrics_collection:-0}
    if [[ $RAY_enable_metrics_collection == 0 ]]; then
        export AUTOSCALER_METRIC_PORT=-1 DASHBOARD_METRIC_PORT=-1
    fi
}

find_token() {
    export RAY_AUTH_TOKEN_PATH=${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}
    if [[ ! -s $RAY_AUTH_TOKEN_PATH ]]; then
        [[ $1 == head ]] || refuse "no token in $RAY_AUTH_TOKEN_PATH" "the head's token" \
            "copy that file from the head, or set RAY_AUTH_TOKEN_PATH"
        mkdir -p "$(dirname "$RAY_AUTH_TOKEN_PATH")"
        (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$RAY_AUTH_TOKEN_PATH")
    fi
    # Ray's own command writes it for everyone to read
    [[ -z $(find "$RAY_AUTH_TOKEN_PATH" -perm /077) ]] || chmod 600 "$RAY_AUTH_TOKEN_PATH"
}

refuse() {
    printf 'error: %s\n  expected: %s\n  to do: %s\n' "$@" >&2
    exit 2
}

usage() {
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

main "$@"
