#!/bin/sh
# Builds the functions of examples/cdk/lambda for AWS Lambda on arm64:
#
#   build.sh DIR      makes DIR/challenges, DIR/postauth and DIR/rotation
#
# each with one file, bootstrap. The same source gives the same bytes.
set -eu
target=${1:?a folder for the result}
mkdir -p "$target"
target=$(cd "$target" && pwd)
cd "$(dirname "$0")/cdk/lambda"
for command in . ./postauth ./rotation; do
	name=${command#./}
	[ "$name" != . ] || name=challenges
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 GOWORK=off \
		go build -trimpath -buildvcs=false -tags lambda.norpc -ldflags "-s -w" -o "$target/$name/bootstrap" "$command"
done
