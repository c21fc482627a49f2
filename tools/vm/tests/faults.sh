# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Memory is refused, and I/O fails, while devices are added, used and removed: errors
# are permitted, what was acknowledged is there afterwards, and nothing hangs or leaks.
# A kernel that injects faults only.  vda: 64 MiB.
# shellcheck source=tools/vm/tests/lib.sh
. ./lib.sh

load_module
debug=/sys/kernel/debug
for kind in failslab fail_page_alloc fail_make_request; do
	[ -d $debug/$kind ] || die "no $kind"
	echo 0 >"$debug/$kind/probability"
	echo 0 >"$debug/$kind/verbose"
	echo -1 >"$debug/$kind/times"
done
# Also what may wait for memory, and single pages.
echo N >$debug/failslab/ignore-gfp-wait
echo N >$debug/fail_page_alloc/ignore-gfp-wait
echo 0 >$debug/fail_page_alloc/min-order

t "each allocation of each call fails, by turn"
must shardctl format --force /dev/vda
# Some of the kernel's own say so, with a trace.
expect_begin "Call Trace|page allocation failure"
fail_nth /dev/vda >/tmp/nth || fail "$(tail -n 1 /tmp/nth)"
expect_end
sed 's/^/#   /' /tmp/nth
nr=$(sed -n 's/^add: less than \([0-9]*\) allocations.*/\1/p' /tmp/nth)
[ "${nr:-0}" -ge 100 ] || fail "less than ${nr:-0} allocations of an add"

# Of what the module's functions ask for, in any thread: memory_short PER-CENT.
text=$(cat /sys/module/shardblk/sections/.text)
# The shell's numbers are signed: the upper half is the same for all modules.
end=$(printf '0xffffffff%08x' $((0x${text#0xffffffff} + $(cat /sys/module/shardblk/coresize))))
# shellcheck disable=SC2317
memory_short()
{
	for kind in failslab fail_page_alloc; do
		echo 32 >"$debug/$kind/stacktrace-depth"
		echo "$text" >"$debug/$kind/require-start"
		echo "$end" >"$debug/$kind/require-end"
		echo "$1" >"$debug/$kind/probability"
	done
}

# Of the requests to the backing device: requests_fail PER-CENT.
# shellcheck disable=SC2317
requests_fail()
{
	echo 1 >/sys/block/vda/make-it-fail
	echo "$1" >"$debug/fail_make_request/probability"
}

# Writes what the number says to a MiB of the device.  What was acknowledged, and
# flushed, is known from then on; what failed is not, until it is written again.
round()
{
	at=$(($1 % 16))
	if put "$dev" "round$1" 1 $at 2>/dev/null; then
		echo "$1" >/tmp/known.$at
	else
		rm -f /tmp/known.$at
		refused=$((refused + 1))
	fi
	case $(($1 % 7)) in
	3)	rm -f /tmp/known.$(((at + 1) % 16))
		blkdiscard -f -o $(((at + 1) % 16 << 20)) -l 1048576 "$dev" 2>/dev/null ;;
	4)	echo start >"/sys/block/$(basename "$dev")/shardblk/scrub" 2>/dev/null ;;
	5)	shardctl status "$dev" >/dev/null 2>&1 ;;
	6)	cmp -s -n 4096 /dev/zero "$dev" 2>/dev/null ;;
	esac
}

all_known()
{
	nr_known=0
	for file in /tmp/known.*; do
		[ -e "$file" ] || continue
		shows "$dev" "round$(cat "$file")" 1 "${file##*.}"
		nr_known=$((nr_known + 1))
	done
}

added()
{
	dev=$(add_device /dev/vda --memtable=64K) || die "add"
	same "$(state_of "$dev")" read-write "state without faults"
}

# Until it is done; what is refused comes with time.
insist_gone()
{
	for _ in $(seq 1 100); do
		! shardctl remove "$dev" >/tmp/out 2>&1 || return 0
		[ -e "/sys/block/$(basename "$dev")" ] || return 0
		tried=$((tried + 1))
	done
	fail "it is not removed in 100 tries: $(tail -n 1 /tmp/out)"
}

# struck COMMAND PER-CENT: 6 devices are used, and removed, while it strikes.
struck()
{
	must shardctl format --force --extent=1M /dev/vda
	expect_begin "I/O error|Buffer I/O|critical .* error|Call Trace|page allocation failure"
	refused=0
	tried=0
	n=0
	rm -f /tmp/known.*
	while [ $n -lt 72 ]; do
		if [ $((n % 12)) = 0 ]; then
			added
			all_known
			"$1" "$2"
		fi
		round $n
		n=$((n + 1))
		[ $((n % 12)) != 0 ] || insist_gone
		[ $((n % 12)) != 0 ] || "$1" 0
	done
	expect_end
	added
	all_known
	echo "#   $n rounds, $refused writes and $tried removals refused, $nr_known MiB known"
	[ $nr_known -ge 4 ] || fail "only $nr_known MiB were written"
	put "$dev" after 16
	shows "$dev" after 16
	gone "$dev"
	must shardctl check --data /dev/vda
}

for percent in 1 10; do
	t "memory is refused to the module in $percent of 100 cases"
	struck memory_short $percent
done

t "one of 50 requests to the backing device fails"
struck requests_fail 2

t "the module goes"
must rmmod shardblk
finish
