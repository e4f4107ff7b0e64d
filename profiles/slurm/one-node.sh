#!/usr/bin/env bash
# A SLURM cluster of one node, this machine, to try the profile on: Debian's own packages, no systemd, no accounting.
#   sudo profiles/slurm/one-node.sh         install what is missing, start, wait until the node is idle
#   sudo profiles/slurm/one-node.sh stop    cancel every job and stop the daemons; the packages stay
# For a throw-away machine: nothing is enforced, neither cores nor memory. By environment variables it has
#   CPUS (this machine's cores), MEMORY_MB (8000 a core, which is what a job of the profile asks for) and
#   GPUS (those of /dev/nvidia*; 1 where there is none pretends one, to try what is asked for).
set -euo pipefail

CONF=/etc/slurm/slurm.conf
GRES=/etc/slurm/gres.conf
MARK="# Written by one-node.sh"
STATE=/var/spool/slurm-one-node
LOGS=/var/log/slurm-one-node
RUN=/run/slurm-one-node

say() { echo "one-node.sh: $*"; }
stop_with() {
  echo "one-node.sh: $*" >&2
  exit 2
}
ours() { [ -f "$1" ] && grep -q "^$MARK" "$1"; }

# A daemon is told by its own file with its process, and is ended by that.
alive() { [ -f "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }
end() {
  alive "$1" || return 0
  local pid
  pid=$(cat "$1")
  kill "$pid"
  for _ in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.2
  done
  kill -KILL "$pid"
}

stop() {
  if ours "$CONF" && alive "$RUN/slurmctld.pid"; then
    squeue --noheader --format=%A | xargs --no-run-if-empty scancel || true
    for _ in $(seq 30); do
      [ -n "$(squeue --noheader)" ] || break
      sleep 1
    done
  fi
  end "$RUN/slurmd.pid"
  end "$RUN/slurmctld.pid"
  end "$RUN/munged.pid"
  say "stopped"
}

install_packages() {
  local missing=()
  for package in slurm-wlm munge; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installs ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

write_configuration() {
  local node cpus memory gpus=()
  node=$(hostname -s)
  cpus=${CPUS:-$(nproc)}
  memory=${MEMORY_MB:-$((cpus * 8000))}
  for device in /dev/nvidia[0-9]*; do
    [ -c "$device" ] && gpus+=("$device")
  done
  local count=${GPUS:-${#gpus[@]}}
  cat >"$CONF" <<END
$MARK
ClusterName=one-node
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$RUN/munge.socket,cred_expire=15
CryptoType=crypto/munge
MpiDefault=none
ReturnToService=2
# Without cgroups: jobs are followed by their processes, and nothing is held to what it has asked for.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=5
MinJobAge=300
KillWait=5
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/node
SlurmctldPidFile=$RUN/slurmctld.pid
SlurmdPidFile=$RUN/slurmd.pid
SlurmctldLogFile=$LOGS/slurmctld.log
SlurmdLogFile=$LOGS/slurmd.log
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=$node NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory Gres=gpu:$count State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
  echo "$MARK" >"$GRES"
  if [ "$count" = 0 ]; then
    sed -i 's/ Gres=gpu:0//' "$CONF"
  elif [ "$count" -le "${#gpus[@]}" ]; then
    for device in "${gpus[@]:0:count}"; do echo "Name=gpu File=$device" >>"$GRES"; done
  elif [ "$count" = 1 ]; then
    echo "Name=gpu File=/dev/null" >>"$GRES"
  else
    stop_with "GPUS=$count, and there are ${#gpus[@]}"
  fi
}

start() {
  install_packages
  if [ -e "$CONF" ] && ! ours "$CONF"; then
    stop_with "$CONF belongs to another cluster. Move it aside if this machine may become one node of its own."
  fi
  if [ -e "$GRES" ] && ! ours "$GRES"; then
    stop_with "$GRES belongs to another cluster. Move it aside if this machine may become one node of its own."
  fi
  if alive "$RUN/slurmctld.pid" && alive "$RUN/slurmd.pid"; then
    say "runs already"
    sinfo --Node --format="%N %T %c cores %m MB %G"
    return
  fi
  stop >/dev/null
  install -d -m 755 /etc/slurm "$RUN" "$LOGS" "$STATE" "$STATE/controller" "$STATE/node"
  # Jobs of an earlier try are not taken up again.
  rm -rf "${STATE:?}/controller" "${STATE:?}/node"
  install -d -m 755 "$STATE/controller" "$STATE/node"
  install -d -m 700 "$LOGS/munge" "$STATE/munge"
  write_configuration
  [ -s "$STATE/munge/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom >"$STATE/munge/munge.key")
  munged --socket="$RUN/munge.socket" --key-file="$STATE/munge/munge.key" --pid-file="$RUN/munged.pid" \
    --log-file="$LOGS/munge/munged.log" --seed-file="$STATE/munge/munged.seed"
  slurmctld
  slurmd
  for _ in $(seq 60); do
    if [ "$(sinfo --noheader --format=%T 2>/dev/null | sort -u)" = idle ]; then
      sinfo --Node --format="%N %T %c cores %m MB %G"
      return
    fi
    # A node that was lost in an earlier life is down until somebody says otherwise.
    scontrol update "NodeName=$(hostname -s)" State=RESUME 2>/dev/null || true
    sleep 1
  done
  sinfo >&2 || true
  tail -n 5 "$LOGS"/slurm*.log >&2 || true
  stop_with "the node is not idle after 60 seconds; the logs are in $LOGS"
}

[ "$(id -u)" = 0 ] || stop_with "needs root: sudo $0 ${*:-}"
if [ ! -f /etc/debian_version ] || ! command -v apt-get >/dev/null; then
  stop_with "needs Debian or a relative of it (apt-get)"
fi
case ${1:-start} in
  start) start ;;
  stop) stop ;;
  *) stop_with "unknown word $1; say start or stop" ;;
esac
