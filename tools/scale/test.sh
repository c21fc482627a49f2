#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Do all ways to split a soak find their shard, and do the shards of a soak add up?
#
#	tools/scale/test.sh SHARDSIM [SCENARIOS SUITE]
#
# Without a suite the shards run all of them, and the tests: half a minute.
# The last line of output is "N passed, N failed".
set -euo pipefail

sim=$1
scenarios=${2:-20000}
suite=(${3:+"--suite=$3"})
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

verdict()
{
	if [[ $1 == ok ]]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'not ok: %s\n' "$2"
	fi
}

# expect WHAT WANT CODE COMMAND...: it says WANT, in its last line, and exits so
expect()
{
	local what=$1 want=$2 code=$3 got=0 out

	shift 3
	out=$("$@" 2>&1) || got=$?
	if [[ $got == "$code" && ${out##*$'\n'} == *"$want"* ]]; then
		verdict ok "$what"
	else
		verdict failed "$what: exit code $got, '${out##*$'\n'}'; not $code, '$want'"
	fi
}

# shard WANT VARIABLE=VALUE...: a number and a count, or what is wrong
shard()
{
	local want=$1 code=2

	shift
	if [[ $want =~ ^[0-9] ]]; then
		want="shard $want"
		code=0
	fi
	expect "$*" "$want" $code env -i "$@" "$sim" shard
}

# ---- who says which shard this is ----

shard '0 of 1'
shard '0 of 1' SHARDS=1
shard '0 of 4 by SHARD' SHARD=0 SHARDS=4
shard '3 of 4 by SHARD' SHARD=3 SHARDS=4
shard 'SHARD=4 is none of 4 from 0 on' SHARD=4 SHARDS=4
shard 'SHARDS is not set' SHARD=0
shard 'SHARDS is not set' SHARD=0 SHARDS=
shard 'SHARDS=4, but nothing says which one this is' SHARDS=4
shard 'SHARDS=4, but nothing says which one this is' SHARD= SHARDS=4
shard 'SHARD=-1 is no number' SHARD=-1 SHARDS=4
shard 'SHARD=1x is no number' SHARD=1x SHARDS=4
shard 'SHARD= 1 is no number' 'SHARD= 1' SHARDS=4
shard 'SHARDS=four is no number' SHARD=1 SHARDS=four
shard 'SHARDS=four is no number' SHARDS=four
shard 'SHARDS=99999999999999999999 is no number' SHARD=0 SHARDS=99999999999999999999
shard 'SHARDS=0: there may be 1 to 1000000 shards' SHARD=0 SHARDS=0
shard 'SHARDS=1000001: there may be' SHARD=0 SHARDS=1000001

slurm=(SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_MAX=13)
shard '0 of 4 by SLURM_ARRAY_TASK_ID' SLURM_ARRAY_TASK_ID=10 "${slurm[@]}"
shard '3 of 4 by SLURM_ARRAY_TASK_ID' SLURM_ARRAY_TASK_ID=13 "${slurm[@]}"
shard '3 of 4 by SLURM_ARRAY_TASK_ID' SLURM_ARRAY_TASK_ID=13 SHARDS=4 "${slurm[@]}"
shard '1 of 2 by SHARD' SLURM_ARRAY_TASK_ID=13 SHARD=1 SHARDS=2 "${slurm[@]}"
shard 'SLURM_ARRAY_TASK_ID=9 is none of 4 from 10 on' SLURM_ARRAY_TASK_ID=9 "${slurm[@]}"
shard 'SLURM_ARRAY_TASK_ID=14 is none of 4' SLURM_ARRAY_TASK_ID=14 "${slurm[@]}"
shard 'SLURM_ARRAY_TASK_ID=a is no number' SLURM_ARRAY_TASK_ID=a "${slurm[@]}"
shard 'SLURM_ARRAY_TASK_COUNT=4, but SHARDS=5' SLURM_ARRAY_TASK_ID=10 SHARDS=5 "${slurm[@]}"
shard 'SLURM_ARRAY_TASK_COUNT is not set' SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_MIN=0
shard 'SLURM_ARRAY_TASK_MIN is not set' SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=4
shard 'must be numbered without gaps' SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=0 \
	SLURM_ARRAY_TASK_MAX=6 SLURM_ARRAY_TASK_COUNT=4

aws=AWS_BATCH_JOB_ARRAY_SIZE=8
shard '0 of 8 by AWS_BATCH_JOB_ARRAY_INDEX' AWS_BATCH_JOB_ARRAY_INDEX=0 $aws
shard '7 of 8 by AWS_BATCH_JOB_ARRAY_INDEX' AWS_BATCH_JOB_ARRAY_INDEX=7 $aws
shard 'AWS_BATCH_JOB_ARRAY_INDEX=8 is none of 8 from 0 on' AWS_BATCH_JOB_ARRAY_INDEX=8 $aws
shard 'AWS_BATCH_JOB_ARRAY_INDEX=1.5 is no number' AWS_BATCH_JOB_ARRAY_INDEX=1.5 $aws
shard 'AWS_BATCH_JOB_ARRAY_SIZE is not set' AWS_BATCH_JOB_ARRAY_INDEX=0
shard 'AWS_BATCH_JOB_ARRAY_SIZE=8, but SHARDS=4' AWS_BATCH_JOB_ARRAY_INDEX=0 SHARDS=4 $aws

shard '0 of 5 by JOB_COMPLETION_INDEX' JOB_COMPLETION_INDEX=0 SHARDS=5
shard '4 of 5 by JOB_COMPLETION_INDEX' JOB_COMPLETION_INDEX=4 SHARDS=5
shard 'JOB_COMPLETION_INDEX=5 is none of 5 from 0 on' JOB_COMPLETION_INDEX=5 SHARDS=5
shard 'JOB_COMPLETION_INDEX=? is no number' JOB_COMPLETION_INDEX=? SHARDS=5
shard 'SHARDS is not set' JOB_COMPLETION_INDEX=0

shard '0 of 3 by PARALLEL_SEQ' PARALLEL_SEQ=1 SHARDS=3
shard '2 of 3 by PARALLEL_SEQ' PARALLEL_SEQ=3 SHARDS=3
shard 'PARALLEL_SEQ=0 is none of 3 from 1 on' PARALLEL_SEQ=0 SHARDS=3
shard 'PARALLEL_SEQ=4 is none of 3 from 1 on' PARALLEL_SEQ=4 SHARDS=3
shard 'PARALLEL_SEQ=one is no number' PARALLEL_SEQ=one SHARDS=3
shard 'SHARDS is not set' PARALLEL_SEQ=1

# ---- shards add up to what one run does ----

soak()
{
	local shard=$1 shards=$2

	shift 2
	SHARD=$shard SHARDS=$shards "$sim" soak --scenarios="$scenarios" "${suite[@]}" \
		--results="$dir" "$@"
}

# All that a run counted: not what it took, and of which parts it is made.
counts()
{
	sed -e '/^  "\(cpu-\)\?seconds":/d' -e '/^  "parts":\[/,/^  \],/d' "$1"
}

# The number of processes must not matter either.
expect 'one run' 'result: ' 0 soak 0 1 --jobs=2
for i in 0 1 2 3; do
	expect "shard $i" 'result: ' 0 soak $i 4 --jobs=$((i % 2 + 1))
done
four=("$dir"/shard-?-of-4.json)
expect 'four shards' 'operations' 0 "$sim" merge --to="$dir/sum" "${four[@]}"
counts "$dir/shard-0-of-1.json" >"$dir/one"
counts "$dir/sum" >"$dir/all"
if [[ $(grep -c : "$dir/one") -gt 250 ]] && cmp "$dir/one" "$dir/all"; then
	verdict ok
else
	verdict failed 'four shards do not do what one run does'
fi
"$sim" merge --to="$dir/half" "${four[@]:2}" >/dev/null || :
expect 'a sum and shards' 'operations' 0 "$sim" merge --to="$dir/again" "$dir/half" "${four[@]:0:2}"
counts "$dir/again" >"$dir/all"
if cmp "$dir/one" "$dir/all"; then
	verdict ok
else
	verdict failed 'sums do not add up'
fi

# ---- what is not to be added up ----

expect 'a shard is missing' 'counts of all shards together' 3 "$sim" merge "${four[@]:1}"
if { "$sim" merge "${four[@]:1}" || :; } | grep -q 'missing: shard 0 of 4 from seed 0'; then
	verdict ok
else
	verdict failed 'nobody says which shard is missing'
fi
expect 'a shard twice' 'counts already: it is of shard 2 of 4' 2 \
	"$sim" merge "${four[@]}" "${four[2]}"
expect 'the same seeds' 'seed 0 counts already: it is of shard 0 of 1' 2 \
	"$sim" merge "$dir/shard-0-of-1.json" "${four[@]}"
expect 'a third' 'result: ' 0 soak 1 3
expect 'some of the same seeds' 'counts already: it is of shard 1 of 3, from 0' 2 \
	"$sim" merge "$dir/shard-1-of-3.json" "${four[2]}"
expect 'seeds behind them' 'result: ' 0 soak 0 2 --first="$scenarios"
expect 'other seeds' 'operations' 3 \
	"$sim" merge "$dir/shard-0-of-1.json" "$dir/shard-0-of-2.json"
sed 's/"program":"..../"program":"0000/' "${four[0]}" >"$dir/other"
expect 'another program' 'of another program or version' 2 "$sim" merge "$dir/other"
expect 'another suite' 'result: ' 0 soak 0 2 --suite=extent --first="$scenarios"
expect 'another suite' "of suite 'extent'" 2 \
	"$sim" merge "$dir/shard-0-of-1.json" "$dir/shard-0-of-2.json"
echo '{}' >"$dir/other"
expect 'no result' 'not a result of shardsim' 2 "$sim" merge "$dir/other"
head -c 300 "${four[0]}" >"$dir/other"
expect 'half a result' 'cannot be read, or is no JSON' 2 "$sim" merge "$dir/other"
sed '/"states":/d' "${four[0]}" >"$dir/other"
expect 'a result that lacks something' 'no states' 2 "$sim" merge "$dir/other"
expect 'no file' 'cannot be read' 2 "$sim" merge "$dir/none"

# ---- failures ----

# What fails is in the result, in the sum, and in the exit code.
sed -e 's/"failures":\[/&{"repro":"device:0x11","why":"it broke"}/' \
	-e '0,/"failed":0/s//"failed":1/' "${four[0]}" >"$dir/other"
expect 'a failure' 'operations' 1 "$sim" merge "$dir/other" "${four[@]:1}"
if { "$sim" merge "$dir/other" "${four[@]:1}" || :; } |
   grep -qx 'make replay REPRO=device:0x11'; then
	verdict ok
else
	verdict failed 'nobody says how to run a failure again'
fi

echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
