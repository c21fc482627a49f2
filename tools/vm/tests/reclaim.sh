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
run_fio steady "$dev" --section=fill
[ "$SLOW" != 1 ] || run_fio steady "$dev" --section=steady
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

extents_left()
{
	shardctl status --json "$dev" | sed -n 's/.*"host_extents_left": *\([0-9]*\).*/\1/p'
}

# What the disk has completed, and what the device was asked for.
ops()
{
	echo "$(counter vda 1) $(counter vda 5) $(counter vda 16)"
}

asked()
{
	echo "$(stat_of "$dev" reads) $(stat_of "$dev" writes) $(stat_of "$dev" flushes)"
}

# shellcheck disable=SC2317
quiet()
{
	then=$(ops)
	sleep 2
	[ "$(ops)" = "$then" ]
}

t "idle: space comes back while nobody asks for anything, and then all is quiet"
dev=$(add_device --idle=never /dev/vda) || die "cannot add /dev/vda"
put "$dev" idle 14
# Blocks that are dead, here and there: much is worth it, whatever victims there were before.
must fio --name=holes --filename="$dev" --rw=randtrim --bs=16k --offset=14m --io_size=12m \
	--randrepeat=1 --ioengine=sync --output=/tmp/holes
# What this set going in the background ends.  If it has left as many extents as idle time
# would see to, a MiB takes one.
wait_for 60 quiet || fail "it does not come to rest"
tries=0
while [ "$(extents_left)" -gt 2 ] && [ $tries -lt 8 ]; do
	put "$dev" more 1 14
	wait_for 60 quiet || fail "it does not come to rest"
	tries=$((tries + 1))
done
before=$(extents_left)
requests=$(asked)
sleep 2
same "$(stat_of "$dev" idle_extents)" 0 "extents reclaimed though it is never idle"
echo 200 >"/sys/block/$(basename "$dev")/shardblk/idle_ms"
sleep 1
wait_for 60 quiet || fail "it does not come to rest when it is idle"
[ "$(stat_of "$dev" idle_extents)" -ge 1 ] || fail "nothing was reclaimed in idle time"
[ "$(extents_left)" -gt "$before" ] || fail "$(extents_left) extents are left, before it was idle $before"
same "$(asked)" "$requests" "requests meanwhile"
then=$(ops)
sleep 5
same "$(ops)" "$then" "operations of the disk when nothing is left to be done"
echo "#   $before extents left before, $(extents_left) afterwards, $(stat_of "$dev" idle_extents) reclaimed in idle time"
shows "$dev" idle 14
gone "$dev"
must shardctl check --data /dev/vda
finish
