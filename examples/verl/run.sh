#!/usr/bin/env bash
# White-box RL of a small model by verl, without `execverify train`: rows, verl's own command, our reward function.
#
#   pip install -e '.[verl]'      # an environment of its own, with GPUs
#   bash examples/verl/run.sh           # what is given to it is handed on to verl, such as trainer.n_gpus_per_node=4
#
# MODEL, ROWS and OUT may be set in the environment.
set -euo pipefail
MODEL=${MODEL:-Qwen/Qwen2.5-Coder-0.5B-Instruct}
ROWS=${ROWS:-rows}
OUT=${OUT:-runs/verl-example}

[ -e "$ROWS" ] || execverify dataset build -o "$ROWS" --size 8000 --seed 0 --levels 1-3 --task-kinds white_box
[ -e "$OUT/data" ] || { mkdir -p "$OUT" && execverify dataset export "$ROWS" -o "$OUT/data" --format verl; }

settings=(
  algorithm.adv_estimator=grpo
  data.train_files="$OUT/data/train.parquet"
  data.val_files="$OUT/data/validation.parquet"
  data.train_batch_size=64
  data.max_prompt_length=1536
  data.max_response_length=1024
  actor_rollout_ref.model.path="$MODEL"
  actor_rollout_ref.actor.optim.lr=1e-6
  actor_rollout_ref.actor.ppo_mini_batch_size=32
  actor_rollout_ref.actor.ppo_micro_batch_size_per_gpu=4
  actor_rollout_ref.actor.use_kl_loss=false
  actor_rollout_ref.rollout.name=vllm
  actor_rollout_ref.rollout.n=8
  actor_rollout_ref.rollout.log_prob_micro_batch_size_per_gpu=8
  actor_rollout_ref.ref.log_prob_micro_batch_size_per_gpu=8
  reward.custom_reward_function.path=pkg://execverify.rewards.verl
  reward.custom_reward_function.name=compute_score
  trainer.default_local_dir="$OUT/checkpoints"
  trainer.n_gpus_per_node=1
  trainer.nnodes=1
  trainer.total_epochs=1
  trainer.save_freq=50
  trainer.test_freq=50
  trainer.logger='["console"]'
)
exec "${PYTHON:-python3}" -m verl.trainer.main_ppo "${settings[@]}" "$@"
