#!/usr/bin/env bash
# A Slurm cluster of two nodes on this machine's loopback, as root, for a test: all of its state is in one folder.
#   cluster.sh start FOLDER CONTROLLER_PORT NODE_PORT NODE_PORT    then set SLURM_CONF=FOLDER/slurm.conf
#   cluster.sh stop FOLDER
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
command=$1 folder=$(realpath "$2")
export SLURM_CONF="$folder/slurm.conf"

start() {
  local controller=$1 nodes=("$2" "$3") host
  host=$(hostname -s)
  mkdir -p "$folder"/{munge,state,spool-node1,spool-node2}
  chmod 700 "$folder/munge"
  head -c 1024 /dev/urandom > "$folder/munge/key"
  chmod 400 "$folder/munge/key"
  # --force: the folder is one that munged would not trust on a real cluster.
  munged --force --key-file "$folder/munge/key" --socket "$folder/munge/socket" --pid-file "$folder/munge/pid" --log-file "$folder/munge/log" --seed-file "$folder/munge/seed"
  cat > "$SLURM_CONF" << CONF
ClusterName=crn
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd-%n.log
AuthType=auth/munge
# A requeued job waits until its credential expires.
AuthInfo=socket=$folder/munge/socket,cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=100000
MinJobAge=3600
KillWait=5
MailProg=/bin/true
ReturnToService=2
NodeName=node1 NodeHostname=$host NodeAddr=127.0.0.1 Port=${nodes[0]} CPUs=1
NodeName=node2 NodeHostname=$host NodeAddr=127.0.0.1 Port=${nodes[1]} CPUs=1
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  slurmctld
  slurmd -N node1
  slurmd -N node2
  for _ in $(seq 300); do
    [[ $(sinfo --noheader --Node --format %T 2> /dev/null | grep -c idle) == 2 ]] && return
    sleep 0.1
  done
  echo "The cluster did not come up:" >&2
  tail -n 20 "$folder"/*.log >&2
  return 1
}

stop() {
  local pid
  scancel --state=PENDING,RUNNING --user=root 2> /dev/null || true
  for file in "$folder"/slurmd-*.pid "$folder/slurmctld.pid" "$folder/munge/pid"; do
    [[ -s $file ]] || continue
    pid=$(< "$file")
    kill "$pid" 2> /dev/null || continue
    for _ in $(seq 100); do
      kill -0 "$pid" 2> /dev/null || break
      sleep 0.1
    done
  done
}

"$command" "${@:3}"
