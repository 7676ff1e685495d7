#!/bin/sh
# Makes an authority and one certificate that the scheduler, the workers and erfsweep share, in DIRECTORY:
#
#   sh certificates.sh DIRECTORY
#
# Whoever holds key.pem is let in, so it belongs to you alone. Dask checks that the other side was signed by the
# authority; it does not compare host names, so one certificate serves every node.
set -eu
directory=${1:?"usage: sh certificates.sh DIRECTORY"}
umask 077
mkdir -p "$directory"
cd "$directory"

openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj "/CN=erfsweep authority" -keyout ca-key.pem -out ca.pem
openssl req -newkey rsa:3072 -nodes -subj "/CN=erfsweep" -keyout key.pem -out request.pem
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 365 -out cert.pem
rm -f request.pem ca.srl

echo "erfsweep run SWEEP --scheduler tls://HOST:8786 \\"
echo "  --tls-ca $PWD/ca.pem --tls-cert $PWD/cert.pem --tls-key $PWD/key.pem"
