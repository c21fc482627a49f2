# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The guest's side of tools/bench/compare: layers over a backing disk each, and the cells
# that /bench/plan lists, "REP JOB STACK RUNTIME" a line, in its order.
#   BACKING  ram, bandwidth, latency: a null_blk with a volatile cache; virtio: vdb, vdc...;
#            brd: a ramdisk, which takes no lock where two processors meet
#   MIB      of a backing disk
#   USED     MiB of it that jobs use, and that are written before
#   AGED     1: overwritten at random before, too
#   MBPS     bandwidth-limited, in MiB/s
# Cell number N (from 0) is written to vda at N times 256 KiB: facts, a line each, then a
# line "fio" and fio's report, then a line "log" and its log of bandwidth.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh
# shellcheck source=tools/bench/stacks.sh
. /bench/stacks.sh

# The disk's counters and the machine's time.
sample()
{
	echo "$1-disk $(tr -s ' ' <"/sys/block/$(basename "$disk")/stat")"
	echo "$1-cpu $(head -n 1 /proc/stat)"
	echo "$1-up $(now)"
	case $dev in
	*shardblk*) grep . "/sys/block/$(basename "$dev")"/shardblk/* | sed "s/^.*\//$1-stat /" ;;
	esac
}

fresh_ext4()
{
	mke2fs -q -F -t ext4 -J size=4 -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "$dev" 160m &&
		mount -t ext4 -o noatime "$dev" /mnt && sync
}

transactions=150
sqlite()
{
	{
		echo "PRAGMA synchronous=FULL; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"
		for nr in $(seq $transactions); do
			echo "INSERT INTO t VALUES($nr, hex(randomblob(50)));"
		done
	} >/tmp/sql
	begin=$(now)
	sqlite3 /mnt/db </tmp/sql >/tmp/fio.json 2>&1 || return 1
	echo "transactions $transactions $begin $(now)" >>/tmp/facts
}

measure()
{
	job=$1 run=$2
	set --
	case $job in
	steady-*) file=aged-overwrite ;;
	long-random-write) file=random-write-32 ;;
	*-[12]cpu) file=${job%-?cpu} ;;
	*) file=$job ;;
	esac
	case $job in
	steady-* | long-*) set -- --write_bw_log=/tmp/log --log_avg_msec=1000 --bwavgtime=1000 ;;
	*-1cpu) set -- --numjobs=1 --cpus_allowed=0,1 --cpus_allowed_policy=split ;;
	*-2cpu) set -- --numjobs=2 --cpus_allowed=0,1 --cpus_allowed_policy=split --group_reporting=1 ;;
	esac
	case $job in
	ext4-* | sqlite) fresh_ext4 || return 1 ;;
	esac
	sample before >>/tmp/facts
	case $job in
	ext4-*)
		fio --output-format=json --output=/tmp/fio.json --directory=/mnt "/fio-jobs/$file.fio" &&
			sync && sample after >>/tmp/facts && umount /mnt
		;;
	sqlite)
		sqlite && sample after >>/tmp/facts && umount /mnt
		;;
	*)
		size="${USED}m"
		[ "$USED" != all ] || size=100%
		fio --output-format=json --output=/tmp/fio.json --filename="$dev" --size="$size" \
			--time_based --runtime="$run" "$@" "/fio-jobs/$file.fio" &&
			sample after >>/tmp/facts
		;;
	esac
}

fill()
{
	size="${USED}m"
	[ "$USED" != all ] || size=100%
	fio --name=fill --filename="$dev" --size="$size" --rw=write --bs=256k --iodepth=4 --ioengine=io_uring \
		--direct=1 --end_fsync=1 --output=/dev/null &&
		if [ "$AGED" = 1 ]; then
			fio --name=age --filename="$dev" --size="$size" --rw=randwrite --norandommap --bs=4k \
				--iodepth=32 --iodepth_batch_submit=16 --iodepth_batch_complete_min=1 --ioengine=io_uring \
				--direct=1 --end_fsync=1 --output=/dev/null
		fi
}

make_stack()
{
	make_disk "$1" || return 1
	if "$1_format" && "$1_up" && fill && "$1_down"; then
		limit_disk "$1"
	else
		dmesg | tail -n 4
		return 1
	fi
}

for module in loop dm-mod dm-thin-pool dm-writecache dm-integrity bcache btrfs xfs crc32c-intel; do
	modprobe $module
done
modprobe configfs
mount -t configfs configfs /sys/kernel/config 2>/dev/null
load_module
# Its own messages are not measured.
echo 5 >/proc/sys/kernel/printk
ulimit -n 4096
# A stack that copies on write may not have room for what others hold.
[ "$AGED" != 1 ] || expect_begin "critical space allocation error"
slot=0
awk '!seen[$3]++ { print $3 }' /bench/plan >/tmp/stacks
while read -r stack; do
	if make_stack "$stack" >"/tmp/made-$stack" 2>&1; then
		echo "bench: made $stack at $(now)"
	else
		echo "bench: no $stack: $(tail -n 6 "/tmp/made-$stack" | tr '\n' ' ')"
		touch "/tmp/without-$stack"
	fi
done </tmp/stacks
while read -r rep job stack run; do
	rm -f /tmp/facts /tmp/fio.json /tmp/log*
	echo "cell $rep $job $stack" >/tmp/facts
	echo "boot $(cat /proc/sys/kernel/random/boot_id)" >>/tmp/facts
	disk=$(cat "/tmp/disk-$stack")
	if [ -e "/tmp/without-$stack" ]; then
		echo "failed $(tail -n 6 "/tmp/made-$stack" | tr '\n' ' ')" >>/tmp/facts
	elif ! "${stack}_up" >/tmp/out 2>&1 || ! measure "$job" "$run" >>/tmp/out 2>&1; then
		echo "failed $(tail -n 3 /tmp/out | tr '\n' ' ')" >>/tmp/facts
		umount /mnt 2>/dev/null
	fi
	if [ ! -e "/tmp/without-$stack" ] && ! "${stack}_down" >/tmp/out 2>&1; then
		echo "failed down: $(tail -n 3 /tmp/out | tr '\n' ' ')" >>/tmp/facts
		touch "/tmp/without-$stack"
		echo "it could not be taken down" >"/tmp/made-$stack"
	fi
	dev=none
	sample down >>/tmp/facts
	{
		cat /tmp/facts
		echo fio
		cat /tmp/fio.json 2>/dev/null
		echo log
		cat /tmp/log*.log 2>/dev/null
		echo end
	} >/tmp/cell
	dd if=/tmp/cell of=/dev/vda bs=256k seek="$slot" conv=sync,fsync 2>/dev/null || die "results"
	slot=$((slot + 1))
done </bench/plan
