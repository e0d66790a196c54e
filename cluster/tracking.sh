#!/usr/bin/env bash
# Start the MLflow server of a team: PostgreSQL behind it, a password before it, files through it.
#
#   cluster/tracking.sh [OPTIONS]             OPTIONS are those of `mlflow server`, such as
#                                             --host 0.0.0.0 --allowed-hosts mlflow.example:5000
#
# MLFLOW_BACKEND_STORE_URI                  postgresql+psycopg2://USER@HOST/DATABASE (PGPASSWORD)
# MLFLOW_ARTIFACTS_DESTINATION              s3://BUCKET/PREFIX or a folder: the server's credentials
# MLFLOW_AUTH_ADMIN_PASSWORD                of the user `admin`, 12 characters or more; first start
# MLFLOW_FLASK_SERVER_SECRET_KEY            32 characters or more; made anew if unset
#
# It listens on the loopback, and answers only to names in --allowed-hosts, unless told otherwise.
set -euo pipefail

main() {
    : "${MLFLOW_BACKEND_STORE_URI:?set it to postgresql+psycopg2://USER@HOST/DATABASE}"
    : "${MLFLOW_ARTIFACTS_DESTINATION:?set it to s3://BUCKET/PREFIX or an absolute folder}"
    : "${MLFLOW_AUTH_ADMIN_PASSWORD:?set the password of the user admin}"
    if [[ $MLFLOW_BACKEND_STORE_URI =~ ://[^/@]*:[^/@]*@ ]]; then
        refuse "MLFLOW_BACKEND_STORE_URI holds a password: put it into PGPASSWORD or ~/.pgpass"
    fi
    local secret=${MLFLOW_FLASK_SERVER_SECRET_KEY:-$(head -c 32 /dev/urandom | base64)}
    export MLFLOW_FLASK_SERVER_SECRET_KEY=$secret
    export MLFLOW_BACKEND_STORE_URI MLFLOW_ARTIFACTS_DESTINATION MLFLOW_AUTH_ADMIN_PASSWORD
    export MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true
    # A second process of 228 MB that runs none of ours.
    export MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
    export MLFLOW_AUTH_CONFIG_PATH
    MLFLOW_AUTH_CONFIG_PATH=$(write_configuration)
    exec mlflow server --app-name basic-auth --serve-artifacts \
        --host 127.0.0.1 --port 5000 --allowed-hosts "localhost:*,127.0.0.1:*" "$@"
}

# Every member may go on with the sweeps of the others, which takes EDIT. Without the cache a
# password is hashed for every request, which takes a second.
write_configuration() {
    local file
    umask 077
    file=$(mktemp)
    cat > "$file" <<END
[mlflow]
default_permission = EDIT
database_uri = $MLFLOW_BACKEND_STORE_URI
admin_username = admin
auth_cache_ttl_seconds = 60
END
    echo "$file"
}

refuse() {
    echo "error: $1" >&2
    exit 2
}

main "$@"
