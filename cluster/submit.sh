#!/usr/bin/env bash
# Run one command of fckd on a Ray cluster, follow it, and end with its exit code.
#
#   cluster/submit.sh [--with-code] [--env NAME]... [VERB] FILE [OPTIONS]
#
#   VERB         sweep (if none is given), compare, prepare, teach, lessons, distill or plan
#   FILE         a space or comparison, also one of this checkout by its name: the only file that
#                travels
#   OPTIONS      of the verb, such as --smoke or --set storage=s3://BUCKET/PREFIX
#   --env NAME   refuse to start where the cluster has no such environment variable. Values never
#                travel: credentials are the cluster's own
#   --with-code  send this checkout's code along, in place of the fckd that the cluster has
#
# RAY_API_SERVER_ADDRESS names the cluster (http://127.0.0.1:8265), RAY_AUTH_TOKEN_PATH the file with
# its token (~/.ray/auth_token). The first Ctrl-C asks the job to stop and waits for it; the second
# leaves it alone with that.
set -euo pipefail

VERBS=" sweep compare prepare teach lessons distill plan "
ROOT=$(cd "$(dirname "$0")/.." && pwd)
LASTING="^storage: *[\"']?(/|s3://)"
IN_PROFILE="grep -Eqs $(printf %q "$LASTING") \"\${FCKD_PROFILE:-/dev/null}\""

main() {
    local code=no document needed=() verb=sweep
    while [[ ${1:-} == --* ]]; do
        case $1 in
        --with-code) code=yes && shift ;;
        --env) [[ ${2:-} =~ ^[A-Za-z_][A-Za-z_0-9]*$ ]] || usage
            needed+=("$2") && shift 2 ;;
        *) usage ;;
        esac
    done
    [[ $VERBS == *" ${1:-} "* ]] && verb=$1 && shift
    [[ -n ${1:-} ]] || usage
    command -v ray > /dev/null || refuse "ray is not in PATH" "Ray's own program, which fckd brings" \
        "activate the environment that fckd is installed in"
    document=$(find_document "$verb" "$1")

    export RAY_AUTH_MODE=${RAY_AUTH_MODE:-token}
    export RAY_AUTH_TOKEN_PATH=${RAY_AUTH_TOKEN_PATH:-$HOME/.ray/auth_token}
    export RAY_API_SERVER_ADDRESS=${RAY_API_SERVER_ADDRESS:-http://127.0.0.1:8265}
    folder=$(mktemp -d)
    trap 'rm -rf "$folder" "$folder.log"' EXIT
    pack "$document" "$code"
    write_command "$verb" "$code" "$document" "${@:2}" > "$folder/command.sh"
    submit
    follow
}

# As fckd finds it: where it is, else among this checkout's own.
find_document() {
    local folder=tune_spaces place
    [[ $1 != compare ]] || folder=comparisons
    for place in "$2" "$ROOT/$2" "$ROOT/$folder/$2"; do
        [[ ! -f $place ]] || { echo "$place" && return; }
    done
    refuse "no such file: $2" "a space or comparison on this machine" "check the path"
}

pack() {
    cp "$1" "$folder"
    if [[ $2 == yes ]]; then
        tar -C "$ROOT" --exclude=__pycache__ -c fckd tune_spaces comparisons | tar -C "$folder" -x
    fi
}

# The command in a file, quoted once. What only the cluster knows is checked there.
write_command() {
    local program=fckd name
    [[ $2 == yes ]] && program="python -m fckd.cli.main"
    printf 'set -eu\n'
    for name in "${needed[@]}"; do
        refuse_unless "[ -n \"\${$name:-}\" ]" "$name is not set on the cluster's head" \
            "the variables that --env names" "set it there, and start the head again"
    done
    if ! has_lasting_storage "${@:3}"; then
        refuse_unless "[ -n \"\${FCKD_STORAGE:-}\" ] || $IN_PROFILE" "storage in the job's own folder" \
            "a folder of the cluster, or s3://BUCKET/PREFIX: Ray deletes the job's own" \
            "give --set storage=/FOLDER, or set FCKD_STORAGE, or FCKD_PROFILE with such a storage, on the head"
    fi
    printf 'exec %s' "$program"
    printf ' %q' "$1" "$(basename "$3")" "${@:4}"
    printf '\n'
}

has_lasting_storage() {
    [[ " ${*:2}" =~ [\ =]storage=(/|s3://) ]] || grep -Eq "$LASTING" "$1"
}

# A check on the head: CONDITION GIVEN EXPECTED REMEDY
refuse_unless() {
    printf 'if ! { %s; }; then\n' "$1"
    printf '  printf "error: %%s\\n  expected: %%s\\n  to do:    %%s\\n" %q %q %q >&2\n' "${@:2}"
    printf '  exit 2\nfi\n'
}

submit() {
    job=fckd-$(date -u +%Y%m%d-%H%M%S)-$$
    if ! ray job submit --no-wait --submission-id "$job" --working-dir "$folder" \
        -- bash command.sh &> "$folder.log"; then
        # of a traceback the line that says what it is
        refuse "$(grep -E '^[A-Za-z_.]+(Error|Exception): ' "$folder.log" | tail -1 || cat "$folder.log")" \
            "a Ray cluster at $RAY_API_SERVER_ADDRESS, and its token in $RAY_AUTH_TOKEN_PATH" \
            "set RAY_API_SERVER_ADDRESS, and RAY_AUTH_TOKEN_PATH (or RAY_AUTH_TOKEN)"
    fi
    echo "job $job; Ctrl-C stops it" >&2
}

follow() {
    asked=no
    trap ask_to_stop INT TERM
    # It must outlive Ctrl-C: what the job says while it stops is worth reading.
    (trap '' INT TERM && exec "$(dirname "$(command -v ray)")/python" "$ROOT/cluster/follow.py" "$job") &
    local follower=$! ended=0
    wait "$follower" || ended=$?
    while kill -0 "$follower" 2> /dev/null; do # the wait was cut short by a signal
        ended=0
        wait "$follower" || ended=$?
    done
    exit "$ended"
}

# shellcheck disable=SC2317,SC2329 # the trap calls it
ask_to_stop() {
    [[ $asked == no ]] || exit 130
    asked=yes
    echo "asking job $job to stop" >&2
    (trap '' INT && exec ray job stop --no-wait "$job" > /dev/null)
}

refuse() {
    printf 'error: %s\n  expected: %s\n  to do:    %s\n' "$@" >&2
    exit 2
}

usage() {
    sed -n '2,17s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

main "$@"
