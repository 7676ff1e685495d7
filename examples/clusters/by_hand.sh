#!/bin/sh
# A scheduler and two workers on this machine, over TLS, and a sweep on them:
#
#   sh by_hand.sh SWEEP [OPTIONS OF erfsweep run]
#
# For workers on other machines leave out --host, start `dask worker` there with the same options and certificates,
# and give them the scheduler's address in place of the file.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
started=
trap 'kill $started 2>/dev/null; rm -rf "$place"' EXIT
trap 'exit 130' INT TERM

sh "$here/certificates.sh" "$place/tls" >/dev/null 2>&1
tls="--tls-ca-file $place/tls/ca.pem --tls-cert $place/tls/cert.pem --tls-key $place/tls/key.pem"

dask scheduler --host tls://127.0.0.1 --port 0 --no-dashboard --scheduler-file "$place/scheduler.json" $tls &
started=$!
for worker in 1 2; do
    dask worker --host tls://127.0.0.1 --nthreads 1 --no-dashboard --scheduler-file "$place/scheduler.json" $tls &
    started="$started $!"
done

until [ -s "$place/scheduler.json" ]; do sleep 0.1; done
erfsweep run "$@" --scheduler "$place/scheduler.json" \
    --tls-ca "$place/tls/ca.pem" --tls-cert "$place/tls/cert.pem" --tls-key "$place/tls/key.pem"
