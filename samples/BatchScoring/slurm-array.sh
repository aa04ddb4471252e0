#!/usr/bin/env bash
# Paints label maps as tasks of a Slurm array, each of them a part:
#   sbatch --array=0-19 samples/BatchScoring/slurm-array.sh model.zip maps photos
# crn takes its part from SLURM_ARRAY_TASK_ID and the others of that family. Submit the same again, with any range, and it paints what is missing.
#SBATCH --job-name=crn
#SBATCH --cpus-per-task=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=crn-%A_%a.log
set -uo pipefail

# Slurm may leave more cores visible than it gives.
export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"

crn synthesize --model "$1" --labels "$2" --output "$3"
code=$?

# Slurm requeues what a lost node or a preemption ended. What was killed for its memory, say, is tried again here, in its own place and up to
# five times. Exit codes below 128 tell what another try would meet again; see crn --help.
if ((code > 128 && ${SLURM_RESTART_COUNT:-0} < 5)); then
  echo "crn ended with $code; once more"
  scontrol requeue "${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"
  sleep 60 # until Slurm ends this
fi
exit "$code"
