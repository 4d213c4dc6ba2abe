#!/usr/bin/env bash
# contending-writers in SimPy and in evenkeel-sim: the same number of runs, one thread each, CPU time of both, metrics side
# by side. Installs SimPy from PyPI into an environment of its own, which is removed at the end.
#     benches/simpy/compare.sh [RUNS] [CLIENTS]
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=${1:-100}
clients=${2:-100}

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check simpy
cargo build --quiet --profile bench -p evenkeel-benches --bin contending-writers

echo "$runs runs of $clients clients"
echo "| algorithm | SimPy s | evenkeel-sim s | ratio | calls: SimPy | calls: evenkeel-sim | time_ms: SimPy | time_ms: evenkeel-sim |"
echo "|---|---:|---:|---:|---:|---:|---:|---:|"
target=${CARGO_TARGET_DIR:-target}
for algorithm in none exponential equal full decorrelated; do
    "$room/venv/bin/python" benches/simpy/contending_writers.py \
        --runs "$runs" --clients "$clients" --algorithm "$algorithm" >"$room/theirs.json"
    "$target/release/contending-writers" \
        --runs "$runs" --clients "$clients" --algorithm "$algorithm" >"$room/ours.json"
    "$room/venv/bin/python" - "$algorithm" "$room/theirs.json" "$room/ours.json" <<'PY'
import json
import sys

algorithm = sys.argv[1]
theirs, ours = (json.load(open(path)) for path in sys.argv[2:])


def metric(side, name):
    found = side["metrics"][name]
    return f"{found['mean']:.1f} ± {found['sd']:.1f}"


ratio = theirs["seconds"] / ours["seconds"]
cells = [algorithm, f"{theirs['seconds']:.3f}", f"{ours['seconds']:.4f}", f"{ratio:.0f}"]
cells += [metric(side, name) for name in ["calls", "time_ms"] for side in [theirs, ours]]
print("| " + " | ".join(cells) + " |")
PY
done
