# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# What the test scripts share.  A script says `t "what must hold"` before each step;
# each gives one line "ok NAME seconds" or "not ok NAME seconds".

# How much slower than Debian's kernel this one is; 1 unless it is a debug kernel.
: "${SLOW:=1}"
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

# The names of the shardblk devices.
devices()
{
	for dir in /sys/block/shardblk*; do
		[ ! -d "$dir" ] || basename "$dir"
	done
}

# add_device BACKING [OPTION...]: prints the new device's path.
add_device()
{
	added=$(shardctl add "$@" 2>/tmp/add.err) || {
		echo "# add $*: $(tail -n 2 /tmp/add.err | tr '\n' ' ')" >&2
		return 1
	}
	# devtmpfs may lag behind the command.
	wait_for 60 test -b "$added" && echo "$added"
}

# wait_for SECONDS COMMAND...: until it succeeds; the seconds are those of Debian's kernel.
wait_for()
{
	turns=$(($1 * 5 * SLOW))
	shift
	while [ $turns -gt 0 ]; do
		! "$@" || return 0
		sleep 0.2
		turns=$((turns - 1))
	done
	return 1
}

state_of()
{
	cat "/sys/block/$(basename "$1")/shardblk/state"
}

wait_state()
{
	for _ in $(seq 1 600); do
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
	dev=/dev/none
	must shardctl format --force "$@" "$backing" || return 1
	# shellcheck disable=SC2034
	dev=$(add_device "$backing") || die "cannot add $backing"
}

# put DEVICE SEED MIB [MIB-OFFSET]; then shows DEVICE SEED MIB [MIB-OFFSET] must hold.
put()
{
	pattern "$2" "$3" | dd of="$1" bs=1M iflag=fullblock oflag=direct seek="${4:-0}" 2>/dev/null &&
		fsync_device "$1"
}

shows()
{
	# Comparing is much faster than sums where instructions are emulated.
	pattern "$2" "$3" >/tmp/pattern
	dd if="$1" bs=1M count="$3" skip="${4:-0}" iflag=direct 2>/dev/null | cmp -s - /tmp/pattern ||
		fail "$1 does not hold what $2 wrote"
	rm -f /tmp/pattern
}

fsync_device()
{
	blockdev --flushbufs "$1" && sync
}

gone()
{
	must shardctl remove "$1"
}

# shellcheck disable=SC2317
scsi_debug_there()
{
	disk=$(find /sys/bus/pseudo/drivers/scsi_debug/adapter0/ -path '*/block/sd*' -prune -name 'sd*' |
		sed -n 's|.*/|/dev/|p')
	[ -b "$disk" ]
}

# scsi_debug_new [OPTION=VALUE...]: the path of its disk is in $disk.
scsi_debug_new()
{
	modprobe sd_mod
	modprobe scsi_debug "$@" || die "no scsi_debug"
	wait_for 60 scsi_debug_there || die "no disk of scsi_debug"
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

# A counter of the device itself.
stat_of()
{
	dir=/sys/block/$(basename "$1")/shardblk
	cat "$dir/$2" 2>/dev/null || cat "$dir/stats/$2"
}

# Keeps the uevents of shardblk devices from here on in /tmp/events, a line for each:
# "shardblk0 SHARDBLK_STATE=full".
events_begin()
{
	cat >/tmp/event.sh <<-'EOF'
	#!/bin/sh
	[ "$DEVNAME" != null ] || touch /tmp/events.null
	env | sed -n "s/^SHARDBLK_/${DEVNAME#/dev/} SHARDBLK_/p"
	EOF
	chmod +x /tmp/event.sh
	rm -f /tmp/events.null
	[ -z "$events_pid" ] || kill "$events_pid"
	: >/tmp/events
	uevent /tmp/event.sh >>/tmp/events 2>/tmp/events.err &
	events_pid=$!
	# It listens once it is told of this.
	wait_for 60 events_come
	: >/tmp/events
}
events_pid=""

# shellcheck disable=SC2317
events_come()
{
	echo change >/sys/class/mem/null/uevent
	[ -e /tmp/events.null ]
}

# shellcheck disable=SC2317
events_has()
{
	grep -qx "$1" /tmp/events
}

# events_told NAME VARIABLE=VALUE...: these were told, once each, in any order, and no other.
events_told()
{
	name=$(basename "$1")
	shift
	for event; do
		wait_for 60 events_has "$name $event" || fail "no uevent $event of $name"
	done
	same "$(wc -l </tmp/events)" $# "uevents, which are '$(tr '\n' ' ' </tmp/events)'"
	: >/tmp/events
}

# Counts what a backing disk completes, from here to trace_end: sets nr_writes,
# nr_sectors and nr_flushes.
tracing=/sys/kernel/tracing
trace_begin()
{
	dev_number=$(cat "/sys/block/$(basename "$1")/dev")
	echo 0 >$tracing/tracing_on
	echo 16384 >$tracing/buffer_size_kb
	echo >$tracing/trace
	# dev_t as the trace events hold it: major << 20 | minor.
	echo "dev == $((${dev_number%:*} << 20 | ${dev_number#*:}))" >$tracing/events/block/block_rq_complete/filter
	echo 1 >$tracing/events/block/block_rq_complete/enable
	echo 1 >$tracing/tracing_on
}

# Lines like "259,0 WFS () 2048 + 8 [0]" become "2048 8 W 1": place, length,
# operation, FUA; a read "2048 8 R 0"; a flush "0 0 F 0".
trace_end()
{
	echo 0 >$tracing/tracing_on
	echo 0 >$tracing/events/block/block_rq_complete/enable
	sed -n 's/.*block_rq_complete: [0-9]*,[0-9]* \([A-Z]*\) ([^)]*) \([0-9]*\) + \([0-9]*\) .*/\1 \2 \3/p' $tracing/trace |
		awk '/^FF/ { print 0, 0, "F", 0 }
		     /^R/ && $3 > 0 { print $2, $3, "R", 0 }
		     /^F*W/ && $3 > 0 { print $2, $3, "W", $1 ~ /W.*F/ ? 1 : 0 }' >/tmp/trace
	# shellcheck disable=SC2034
	nr_writes=$(awk '$3 == "W"' /tmp/trace | wc -l)
	# shellcheck disable=SC2034
	nr_sectors=$(awk '$3 == "W" { n += $2 } END { print n + 0 }' /tmp/trace)
	# shellcheck disable=SC2034
	nr_flushes=$(awk '$3 == "F"' /tmp/trace | wc -l)
}

# The job file with this device; extra options follow.  A slow kernel does each once.
run_fio()
{
	job=/fio-jobs/$1.fio
	target=$2
	shift 2
	if [ "$SLOW" != 1 ]; then
		sed 's/^loops=.*/loops=1/' "$job" >/tmp/job.fio
		job=/tmp/job.fio
	fi
	must /usr/bin/fio --filename="$target" "$@" "$job"
}
