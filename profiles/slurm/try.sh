#!/usr/bin/env bash
# Does a sweep give the same on SLURM as on this machine, also when a job is requeued and another is killed?
#   profiles/slurm/try.sh [sweep]
# Runs the sweep here and lays its results aside; runs it on SLURM, requeues one running job, kills the steps of
# another, and starts the same command until it is complete; then compares. Without SLURM it calls one-node.sh, which
# needs root. Ends with one line: 0 the same, 1 not the same, 2 could not be tried.
set -euo pipefail
cd "$(dirname "$0")/../.."

SWEEP=${1:-trial}
STUDY=$(sed -n "s/^study: *//p" "notebooks/sweeps/$SWEEP.yaml")
RUNS=runs/$SWEEP/$STUDY
ASIDE=runs/.aside/$SWEEP
LOG=.snakemake/try.log
WAIT=${WAIT:-900} # seconds to wait for a job to begin

say() { echo "try.sh: $*"; }
stop_with() {
  echo "try.sh: $*" >&2
  exit 2
}

# The one line that says what a sweep is; it is given CLUSTER=slurm or nothing.
sweep() { make --no-print-directory sweep SWEEP="$SWEEP" "$@"; }

# Number and state of this sweep's jobs; the plug-in writes rule and wildcards into the comment.
jobs_of_sweep() { squeue --noheader --format='%A %T %k' | grep -E " rule_study_wildcards_${SWEEP}_" || true; }

# A job, other than the one given, with a run under way: some run's folder is there, and a moment has passed.
running_job() {
  local but=${1:-none} id
  for _ in $(seq "$WAIT"); do
    kill -0 "$WORKFLOW" 2>/dev/null || return 1
    id=$(jobs_of_sweep | awk -v but="$but" '$2 == "RUNNING" && $1 != but { print $1; exit }')
    if [ -n "$id" ] && compgen -G "runs/.scratch/$SWEEP-*/" >/dev/null; then
      sleep 5
      if jobs_of_sweep | grep -q "^$id RUNNING"; then
        echo "$id"
        return 0
      fi
    fi
    sleep 1
  done
  return 1
}

if ! command -v sinfo >/dev/null || ! sinfo >/dev/null 2>&1; then profiles/slurm/one-node.sh; fi
[ -z "$(jobs_of_sweep)" ] || stop_with "jobs of $SWEEP are still in the queue; scancel them first"
[ ! -e "$ASIDE" ] || stop_with "$ASIDE is left from an earlier try: remove it, or move it back to $RUNS"
mkdir -p .snakemake "$(dirname "$ASIDE")"

say "$SWEEP on this machine"
sweep >"$LOG" 2>&1 || stop_with "the sweep fails on this machine already, see $LOG"
mv "$RUNS" "$ASIDE"

say "$SWEEP on SLURM"
sweep CLUSTER=slurm >>"$LOG" 2>&1 &
WORKFLOW=$!
requeued=$(running_job) || stop_with "no job of the sweep began on SLURM, see $LOG; the results made here are in $ASIDE"
scontrol requeue "$requeued"
say "job $requeued requeued"
killed=$(running_job "$requeued") || killed=$(running_job) ||
  stop_with "no job was left to kill, see $LOG; the results made here are in $ASIDE"
scancel --signal=KILL "$killed"
say "job $killed killed"

starts=1
until wait "$WORKFLOW"; do
  [ "$starts" -lt 5 ] || stop_with "not complete after $starts starts, see $LOG; the results made here are in $ASIDE"
  starts=$((starts + 1))
  say "start $starts of the same command"
  sweep CLUSTER=slurm >>"$LOG" 2>&1 &
  WORKFLOW=$!
done

# No tolerance: the numbers are compared as they are written, to the last digit, which only the same kind of processor
# and the same number of threads can be asked for.
python3 - "$ASIDE" "$RUNS" "$starts" "$requeued" "$killed" <<'END'
import json
import sys
from pathlib import Path

here, there = map(Path, sys.argv[1:3])
starts, requeued, killed = sys.argv[3:]


def found(folder):
    return {str(p.parent.relative_to(folder)): p for p in sorted(folder.glob("*/results.json"))}


def values(file):
    return json.dumps(json.loads(file.read_text(encoding="utf-8"))["values"], sort_keys=True)


def files(result):
    return sorted(str(p.relative_to(result.parent)) for p in result.parent.rglob("*") if p.is_file())


a, b = found(here), found(there)
wrong = [f"{name} is only in {here if name in a else there}" for name in sorted(set(a) ^ set(b))]
for name in sorted(set(a) & set(b)):
    if values(a[name]) != values(b[name]):
        wrong.append(f"{name}: other values")
    if files(a[name]) != files(b[name]):
        wrong.append(f"{name}: other files, {sorted(set(files(a[name])) ^ set(files(b[name])))}")
# What a killed run was at is under .scratch until the next start of it, and no run by name.
wrong += [f"{p} is left" for p in Path("runs/.scratch").glob(f"{there.parent.name}-*/")]
wrong += [] if a else [f"{here} holds no run"]
print("".join(f"  {line}\n" for line in wrong), end="")
what = f"{len(a)} runs, job {requeued} requeued, job {killed} killed, {starts} start{'s' * (starts != '1')} on SLURM"
print(f"{'DIFFERENT' if wrong else 'SAME'}: {there.parent.name}, {what}, values compared to the last digit")
sys.exit(bool(wrong))
END
rm -rf "$ASIDE"
