# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# A small device that is overwritten at random, again and again.  vda: 64 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

# What the counters say now.
mark()
{
	writes=$(stat_of "$dev" host_blocks)
	frames=$(stat_of "$dev" host_frames)
	moved=$(stat_of "$dev" relocated_blocks)
	reclaimed=$(stat_of "$dev" reclaimed_extents)
}

# amplified MOST: what was written to move data since mark, beside what the user wrote.
amplified()
{
	written=$(($(stat_of "$dev" host_blocks) - writes - $(stat_of "$dev" host_frames) + frames))
	moved=$(($(stat_of "$dev" relocated_blocks) - moved))
	reclaimed=$(($(stat_of "$dev" reclaimed_extents) - reclaimed))
	[ "$moved" -ge 1 ] || fail "nothing was moved"
	[ "$reclaimed" -ge 1 ] || fail "no extent was reclaimed"
	# fio-jobs/README.md has the figures.
	at_most $((10 * moved / written)) "$1" "blocks moved for ten of the user's"
	echo "#   $written blocks written by the user, $moved moved, $reclaimed extents reclaimed:" \
		"write amplification $(awk "BEGIN { printf \"%.1f\", ($written + $moved) / $written }")"
}

load_module
t "steady: the whole device overwritten 10 times at random, and compared"
fresh /dev/vda
for section in fill steady; do
	run_fio steady "$dev" --section=$section
done
mark
for section in steady last; do
	run_fio steady "$dev" --section=$section
done
same "$(state_of "$dev")" read-write state
amplified 40
gone "$dev"
must shardctl check --data /dev/vda

t "steady-mixed: what was overwritten is there after a restart, and goes on"
dev=$(add_device /dev/vda) || die "cannot add /dev/vda"
mark
run_fio steady-mixed "$dev"
same "$(state_of "$dev")" read-write state
amplified 50
gone "$dev"
must shardctl check --data /dev/vda
finish
