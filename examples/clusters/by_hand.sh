#!/bin/sh
# A scheduler and two workers on this machine, over TLS, and a sweep on them:
#
#   sh by_hand.sh SWEEP [OPTIONS OF erfsweep run]
#
# What Dask logs is printed only if the run fails.
#
# For workers on other machines leave out --host, start `dask worker` there with the same options and certificates,
# and give them the scheduler's address in place of the file.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
started=
# The workers end before their scheduler, which would otherwise be missed by them.
finish() {
    code=$?
    for part in $started; do kill "$part" 2>/dev/null && wait "$part" 2>/dev/null || :; done
    [ "$code" = 0 ] || cat "$place"/*.log >&2
    rm -rf "$place"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

sh "$here/certificates.sh" "$place/tls" >/dev/null 2>&1
tls="--tls-ca-file $place/tls/ca.pem --tls-cert $place/tls/cert.pem --tls-key $place/tls/key.pem"

dask scheduler --host tls://127.0.0.1 --port 0 --no-dashboard --scheduler-file "$place/scheduler.json" $tls \
    >"$place/scheduler.log" 2>&1 &
scheduler=$!
started=$scheduler
for worker in 1 2; do
    dask worker --host tls://127.0.0.1 --nthreads 1 --no-dashboard --scheduler-file "$place/scheduler.json" $tls \
        >"$place/worker_$worker.log" 2>&1 &
    started="$! $started"
done

until [ -s "$place/scheduler.json" ]; do
    kill -0 "$scheduler" 2>/dev/null || exit 4 # it has ended, and its log says why
    sleep 0.1
done
erfsweep run "$@" --scheduler "$place/scheduler.json" \
    --tls-ca "$place/tls/ca.pem" --tls-cert "$place/tls/cert.pem" --tls-key "$place/tls/key.pem"
