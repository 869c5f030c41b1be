#!/bin/sh
# The paper's training of Qwen2.5-Coder-7B-Instruct on one node of eight GPUs: SFT, then white-box RL, then unit-test RL.
#
#     sh examples/paper_7b.sh trl OUT [--set KEY=VALUE ...]      # all stages by TRL with vLLM, weights spread by FSDP
#     sh examples/paper_7b.sh verl OUT [--set KEY=VALUE ...]     # SFT by TRL, both stages of RL by verl
#
# For rewards of the chain of thought add: --set sft.cot_style=compact --set rl_whitebox.reward=step
# DRY_RUN=1 prints the commands instead. Nobody has run this on GPUs yet; tests compose every setting.
set -eu

engine=${1:?name the trainer: trl or verl}
out=${2:?name the folder of the training}
shift 2

run() {
    if [ -n "${DRY_RUN:-}" ]; then echo "$*"; else "$@"; fi
}

spread() {
    run accelerate launch --num_processes 8 --use_fsdp --fsdp_version 2 --fsdp_auto_wrap_policy TRANSFORMER_BASED_WRAP \
        --fsdp_state_dict_type FULL_STATE_DICT -m execverify "$@"
}

case $engine in
trl)
    spread train all --preset paper-7b --output "$out" "$@"
    ;;
verl)
    spread train sft --preset paper-7b --output "$out" "$@"
    run execverify train white-box --preset paper-7b --trainer verl --model "$out/sft/model" --output "$out" "$@"
    last="from pathlib import Path; from execverify.training.with_verl.launch import trained_model"
    last="$last; print(trained_model(Path('$out/verl-rl_whitebox')))"
    if [ -n "${DRY_RUN:-}" ]; then model=MODEL; else model=$(python -c "$last"); fi
    run execverify train unit-tests --preset paper-7b --trainer verl --model "$model" --output "$out" "$@"
    ;;
*)
    echo "there is no trainer $engine: name trl or verl" >&2
    exit 2
    ;;
esac
