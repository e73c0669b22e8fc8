#!/usr/bin/env bash
# Shows that the fleet works: builds the image, runs a fleet, breaks one, stops one. Everything it makes is removed.
#
#   compose/test.sh
#
# Needs a Docker engine; started here when this is root and none runs (packages docker.io and docker-compose).
# Environment: PROFILE (cargo profile of the binary, release), BINARY (a static binary that is built already).
# Exit codes: 0 all as it must be, 1 not so, 77 no engine to be had.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly STOP_LIMIT_S=10 ENGINE_WAIT_S=30 READY_WAIT_S=120
readonly FORMS="report.txt report.json report.md report.xml report.html csv/received.csv csv/sent.csv"
work=$(mktemp -d)
engine_pid=""
export COMPOSE_PROJECT_NAME="lpt-test-$$" COMPOSE_PROFILES=embedded OUT="$work/out" LPT_IMAGE="lpt-test:$$"
export SERVICE_NODES=2 PUBLISHERS=3 RECEIVERS=2
# What is shown here is the fleet, on whatever machine: a busy one may be late with its messages.
export TRACER="report --max-slip 1m"
mkdir "$OUT"

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
fleet() { "${compose[@]}" -f compose/compose.yaml "$@"; }

cleanup() {
    local code=$?
    trap - EXIT
    if [[ -n ${compose:-} ]]; then
        [[ $code == 0 ]] || fleet logs --no-color --tail 40 2>/dev/null || true
        fleet down --volumes --timeout 1 >/dev/null 2>&1 || true
        docker image rm "$LPT_IMAGE" >/dev/null 2>&1 || true
    fi
    if [[ -n $engine_pid ]]; then
        kill "$engine_pid" 2>/dev/null || true
        wait "$engine_pid" 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$code"
}
trap cleanup EXIT

# One question, asked again until the answer is yes.
until_true() {
    local what=$1 seconds=$2 end
    shift 2
    end=$((SECONDS + seconds))
    until "$@"; do
        ((SECONDS < end)) || fail "$what: not so after $seconds s"
        sleep 0.2
    done
}

engine() {
    docker info >/dev/null 2>&1 && return
    if [[ $(id -u) != 0 ]] || ! command -v dockerd >/dev/null; then
        echo "no Docker engine answers, and this user cannot start one: run as root with docker.io installed" >&2
        exit 77
    fi
    export DOCKER_HOST="unix://$work/docker.sock"
    dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/docker.pid" -H "$DOCKER_HOST" \
        >"$work/dockerd.log" 2>&1 &
    engine_pid=$!
    local end=$((SECONDS + ENGINE_WAIT_S))
    until docker info >/dev/null 2>&1; do
        if ((SECONDS >= end)) || ! kill -0 "$engine_pid" 2>/dev/null; then
            tail -n 20 "$work/dockerd.log" >&2
            echo "no Docker engine can be started here" >&2
            exit 77
        fi
        sleep 0.2
    done
}

choose_compose() {
    if docker compose version >/dev/null 2>&1; then
        compose=(docker compose)
    elif command -v docker-compose >/dev/null; then
        compose=(docker-compose)
    else
        echo "neither 'docker compose' nor docker-compose is installed" >&2
        exit 77
    fi
}

container_of() { docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" \
    --filter "label=com.docker.compose.service=$1"; }

publishing() {
    local id
    for id in $(container_of publisher); do
        docker exec "$id" /lpt healthcheck >/dev/null 2>&1 || return 1
    done
}

# Every log of the newest report ends as a log should, but for the one named.
logs_are_whole() {
    local log count=0
    for log in "$OUT"/latest/logs/*.jsonl; do
        count=$((count + 1))
        [[ ${log##*/} == "${1:-}" ]] && continue
        tail -n 1 "$log" | grep -q '"event":"run_ended"' || fail "${log##*/} does not end with run_ended"
    done
    ((count == SERVICE_NODES + PUBLISHERS + RECEIVERS)) || fail "$count logs instead of one of everybody"
}

verdict_is() {
    grep -Eq "^ *\"verdict\": *\"$1\"" "$OUT/latest/report.json" || fail "the verdict is not $1"
    [[ $(cat "$OUT/latest/exit-code") == "$2" ]] || fail "the exit code beside the report is not $2"
}

whole_fleet() {
    say "a fleet: $SERVICE_NODES service nodes, $PUBLISHERS publishers, $RECEIVERS receivers"
    local code=0
    LPT_MESSAGES=50 LPT_RATE=20/s fleet up --no-build --exit-code-from tracer || code=$?
    [[ $code == 0 ]] || fail "the fleet ended with $code"
    local form
    for form in $FORMS; do
        [[ -s $OUT/latest/$form ]] || fail "the report has no $form"
    done
    verdict_is pass 0
    logs_are_whole
    grep -q '^PASS: 150 of 150 messages acked, 300 of 300 expected deliveries arrived' "$OUT/latest/report.txt" ||
        fail "not every message of every publisher arrived at every receiver"
    fleet down --timeout "$STOP_LIMIT_S"
}

killed_node() {
    say "a fleet whose last service node is killed while messages flow"
    LPT_MESSAGES=200 LPT_RATE=20/s fleet up --no-build -d
    until_true "publishers are at work" "$READY_WAIT_S" publishing
    local id victim code
    for id in $(container_of node); do
        # Not through a pipe: whom `grep -q` no longer listens to fails, and with it the pipe.
        if [[ $(docker logs "$id" 2>&1) == *"this is node-$SERVICE_NODES "* ]]; then victim=$id; fi
    done
    docker kill "${victim:?no such node}" >/dev/null
    code=$(docker wait "$(container_of tracer)")
    fleet logs --no-color tracer
    [[ $code == 1 ]] || fail "the tracer ended with $code instead of 1"
    verdict_is fail 1
    logs_are_whole "node-$SERVICE_NODES.jsonl"
    tail -n 1 "$OUT/latest/logs/node-$SERVICE_NODES.jsonl" | grep -q '"event":"run_ended"' &&
        fail "the killed node ended in order: nothing was tested"
    fleet down --timeout "$STOP_LIMIT_S"
}

stopped_fleet() {
    say "a fleet that would run for ever is stopped"
    LPT_MESSAGES=0 LPT_RATE=20/s fleet up --no-build -d
    until_true "publishers are at work" "$READY_WAIT_S" publishing
    fleet stop --timeout "$STOP_LIMIT_S"
    local id line code name
    for id in $(docker ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"); do
        line=$(docker inspect -f '{{.State.ExitCode}} {{.Name}}' "$id")
        read -r code name <<<"$line"
        echo "$line"
        # 137 is what the engine makes of who is not gone in time, 143 of who does not listen.
        case $name in
            *tracer*) [[ $code == [012] ]] || fail "$name ended with $code, which is no verdict" ;;
            *) [[ $code == 0 ]] || fail "$name ended with $code" ;;
        esac
    done
    logs_are_whole
    fleet down
}

engine
choose_compose
say "engine $(docker version -f '{{.Server.Version}}'), $("${compose[@]}" version --short 2>/dev/null || true)"
say "image"
IMAGE=$LPT_IMAGE compose/image.sh ${BINARY:+"$BINARY"}
size_bytes=$(docker image inspect -f '{{.Size}}' "$LPT_IMAGE")
echo "$size_bytes bytes; $(docker run --rm "$LPT_IMAGE" --version)"
((size_bytes < 40 * 1000 * 1000)) || fail "the image has $size_bytes bytes, 40 MB are allowed"
whole_fleet
killed_node
stopped_fleet
say "all as it must be"
