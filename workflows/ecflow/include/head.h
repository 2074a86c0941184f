#!/bin/bash
set -eu -o pipefail
export ECF_PORT=%ECF_PORT% ECF_HOST=%ECF_HOST% ECF_NAME=%ECF_NAME% ECF_PASS=%ECF_PASS% ECF_TRYNO=%ECF_TRYNO% ECF_RID=$$
export PATH="%BIN%:$PATH" CONFIG="%CONFIG%" RUN="%RUN%"
aborted() { code=$?; trap - EXIT; ecflow_client --abort="exit code $code"; exit 0; }
trap aborted EXIT
trap 'exit 143' HUP INT TERM
ecflow_client --init=$$
