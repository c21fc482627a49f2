# SPDX-License-Identifier: GPL-2.0-only
# What the test scripts share.  A script says `t "what must hold"` before each step;
# each gives one line "ok NAME seconds" or "not ok NAME seconds".

script=$(basename "$0" .sh)
failures=0
current=""

log()
{
	echo "shardblk-test: $*" >/dev/kmsg
}

now()
{
	read -r up _ </proc/uptime
	echo "$up"
}

# Ends the step before, begins the next.
t()
{
	finish_step
	current="$*"
	current_failed=""
	current_start=$(now)
	log "step: $current"
}

finish_step()
{
	[ -n "$current" ] || return 0
	seconds=$(awk "BEGIN { printf \"%.1f\", $(now) - $current_start }")
	if [ -n "$current_failed" ]; then
		failures=$((failures + 1))
		echo "not ok $script: $current $seconds"
		echo "# $current_failed"
	else
		echo "ok $script: $current $seconds"
	fi
	current=""
}

# Only the first reason counts.
fail()
{
	[ -n "$current_failed" ] || current_failed="$*"
	return 1
}

die()
{
	echo "not ok $script: $* 0"
	exit 1
}

finish()
{
	finish_step
	[ "$failures" = 0 ] || exit 1
	exit 0
}

# must COMMAND...: it succeeds.
must()
{
	"$@" >/tmp/out 2>&1 && return 0
	fail "'$*' exited with $?: $(tail -n 3 /tmp/out | tr '\n' ' ')"
}

# refuses CODE COMMAND...: it exits with that code.
refuses()
{
	want=$1
	shift
	rc=0
	"$@" >/tmp/out 2>&1 || rc=$?
	[ "$rc" = "$want" ] || fail "'$*' exited with $rc instead of $want: $(tail -n 2 /tmp/out | tr '\n' ' ')"
}

same()
{
	[ "$1" = "$2" ] || fail "$3: '$1' instead of '$2'"
}

at_most()
{
	[ "$1" -le "$2" ] || fail "$3: $1, more than $2"
}

# Kernel lines that match are this test's doing until expect_end.
expect_begin()
{
	log "expect begin $*"
}

expect_end()
{
	log "expect end"
}

load_module()
{
	modprobe libcrc32c 2>/dev/null
	[ -d /sys/module/shardblk ] || insmod /usr/local/bin/shardblk.ko || die "insmod"
}

# add_device BACKING [OPTION...]: prints the new device's path.
add_device()
{
	shardctl list >/tmp/before 2>/dev/null
	ls /sys/block | grep '^shardblk' >/tmp/before
	shardctl add "$@" >/tmp/add.out 2>&1 || {
		echo "# add $*: $(tail -n 2 /tmp/add.out | tr '\n' ' ')" >&2
		return 1
	}
	ls /sys/block | grep '^shardblk' >/tmp/after
	name=$(grep -vxFf /tmp/before /tmp/after | head -n 1)
	[ -n "$name" ] || return 1
	# devtmpfs may lag behind the command.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -b "/dev/$name" ] || break
		sleep 0.1
	done
	echo "/dev/$name"
}

state_of()
{
	cat "/sys/block/$(basename "$1")/shardblk/state"
}

wait_state()
{
	for _ in $(seq 1 100); do
		[ "$(state_of "$1")" != "$2" ] || return 0
		sleep 0.1
	done
	fail "state of $1 is $(state_of "$1") instead of $2"
}

# fresh BACKING [FORMAT-OPTION...]: formats and adds; the path is in $dev.
fresh()
{
	backing=$1
	shift
	must shardctl format --force "$@" "$backing" || return 1
	dev=$(add_device "$backing") || fail "add $backing"
}

gone()
{
	must shardctl remove "$1"
}

# A 64 MiB null_blk of 4096-byte sectors (or $2), by configfs: memory-backed.
# null NAME SIZE-MIB [ATTRIBUTE=VALUE...]; prints the device.
null_new()
{
	[ -d /sys/module/null_blk ] || modprobe null_blk nr_devices=0
	dir=/sys/kernel/config/nullb/$1
	mkdir "$dir" || return 1
	echo 1 >"$dir/memory_backed"
	echo "$2" >"$dir/size"
	shift 2
	for pair; do
		echo "${pair#*=}" >"$dir/${pair%%=*}"
	done
	echo 1 >"$dir/power"
	echo "/dev/nullb$(cat "$dir/index")"
}

null_gone()
{
	rmdir "/sys/kernel/config/nullb/$1"
}

# counter DEVICE FIELD of /sys/block: reads 1 writes 5 sectors written 7 flushes 16.
counter()
{
	awk "{ print \$$2 }" "/sys/block/$(basename "$1")/stat"
}

# The job file with this device; extra options follow.
run_fio()
{
	job=$1
	target=$2
	shift 2
	must env DEVICE="$target" /usr/bin/fio --output-format=terse --terse-version=3 "$@" "/fio-jobs/$job.fio"
}
