#!/bin/sh
# Learns from finished rollouts, judges what was learned on later ones, and puts in force what is better there: weights, margins and
# confidences, and the predictor. Run it on a schedule: retrain.sh FOLDER. The server is that of SERIN_SERVER and SERIN_TOKEN.
# The gate asks the predictor in force by the folder itself: serin gate --release FILE --model FOLDER.
# It ends with 0 also where nothing is better, or too little is known yet; what `serin` says of that is printed.
set -eu
folder=${1:?which folder keeps what is learned?}
later_days=${LATER_DAYS:-30}
mkdir -p "$folder"

# 10: what was learned is not better, so what is in force stays.
unless_refused() {
  "$@" || [ $? -eq 10 ]
}

serin learn outcomes --out "$folder/outcomes.jsonl"
unless_refused serin learn retrain --outcomes "$folder/outcomes.jsonl" --folder "$folder"

# The predictor learns from what came before, and is judged by what came since.
since=$(($(date +%s) - later_days * 86400))
serin predict history --before "$since" --out "$folder/before.jsonl"
serin predict history --since "$since" --out "$folder/since.jsonl"
if serin predict train "$folder/before.jsonl" --output "$folder/candidate.json"; then
  unless_refused serin learn adopt "$folder/candidate.json" --model predictor --later "$folder/since.jsonl" --folder "$folder"
elif [ $? -ne 2 ]; then
  echo "the predictor could not be trained" >&2
  exit 1
fi
