#!/bin/sh
# Any language can take part: the values are arguments, a metric is a line of JSON appended to a file.
# This one looks for the square root of 2 with steps of a given size.
set -eu

rate=0.05
steps=20
for argument in "$@"; do
    case $argument in
        --rate=*) rate=${argument#*=} ;;
        --steps=*) steps=${argument#*=} ;;
        *) echo "unknown argument: $argument" >&2; exit 2 ;;
    esac
done

metrics=${SWEEPD_METRICS_FILE:-/dev/null}  # without an agent, no one reads the lines

x=1.0
step=0
while [ "$step" -lt "$steps" ]; do
    x=$(awk -v x="$x" -v rate="$rate" 'BEGIN { printf "%.9f", x - rate * 4 * x * (x * x - 2) }')
    loss=$(awk -v x="$x" 'BEGIN { d = x * x - 2; printf "%.9g", d * d }')
    printf '{"_step": %d, "loss": %s, "x": %s}\n' "$step" "$loss" "$x" >> "$metrics"
    step=$((step + 1))
done
echo "loss $loss at $x"
