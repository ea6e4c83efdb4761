#!/usr/bin/env bash
# certificates.sh DIR HOST: an authority (ca.crt), a certificate for a host (HOST.crt, HOST.key) and one for a client (client.crt,
# client.key) in a directory. What is there already stays.
set -euo pipefail
dir=$1 host=$2
mkdir -p "$dir" && cd "$dir"
key() { openssl ecparam -genkey -name prime256v1 -noout -out "$1.key"; }
issue() { # NAME EXTENSION
  [ -s "$1.crt" ] && return
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$1" |
    openssl x509 -req -days 365 -CA ca.crt -CAkey ca.key -CAcreateserial -extfile <(echo "$2") -out "$1.crt" 2>/dev/null
}
if [ ! -s ca.crt ]; then
  key ca
  openssl req -x509 -new -days 365 -key ca.key -subj "/O=Lessons/CN=Authority of the lessons" -out ca.crt
fi
issue "$host" "subjectAltName=DNS:$host"
issue client "extendedKeyUsage=clientAuth"
