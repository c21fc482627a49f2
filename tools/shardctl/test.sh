#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of shardctl on image files, with no module and no privileges.
#
#	tools/shardctl/test.sh SHARDCTL FILL
#
# FILL is tools/shardctl/test/fill.c, which puts data on an image.
set -euo pipefail

ctl=$(readlink -f "$1")
fill=$(readlink -f "$2")
export PATH=$PATH:/sbin:/usr/sbin
dir=$(mktemp -d)
trap 'rm -rf "$dir" "/dev/shm/${dir##*/}"' EXIT
cd "$dir"
nr_passed=0
nr_failed=0

failed()	# WHAT
{
	echo "shardctl-test: FAILED: $*" >&2
	cat out err | head -n 20 | cut -c 1-160 | sed 's/^/  /' >&2
	nr_failed=$((nr_failed + 1))
}

passed()
{
	nr_passed=$((nr_passed + 1))
}

# Run shardctl: is the exit code as expected, and does the message match?
expect()	# CODE PATTERN ARGUMENT...
{
	local want=$1 pattern=$2 code=0
	shift 2

	"$ctl" "$@" >out 2>err </dev/null || code=$?
	if [[ $code -ne $want ]]; then
		failed "shardctl $*: exit code $code, not $want"
	elif [[ -n $pattern ]] && ! grep -qE -- "$pattern" out err; then
		failed "shardctl $*: no message like: $pattern"
	else
		passed
	fi
}

check()		# WHAT COMMAND...
{
	local what=$1
	shift

	if "$@"; then
		passed
	else
		failed "$what"
	fi
}

fresh()		# FILE SIZE
{
	rm -f "$1"
	truncate -s "$2" "$1"
}

# Change one byte to another value.
flip()		# FILE OFFSET
{
	python3 - "$1" "$2" <<-'PYTHON'
		import sys
		with open(sys.argv[1], "r+b") as file:
		    file.seek(int(sys.argv[2]))
		    byte = file.read(1)[0]
		    file.seek(int(sys.argv[2]))
		    file.write(bytes([byte ^ 0x40]))
	PYTHON
}

# A Python expression over the JSON that the last command printed.
json()		# EXPRESSION
{
	python3 -c 'import json, sys
v = json.load(open("out"))
sys.exit(0 if eval("(" + sys.argv[1] + ")") else 1)' "$1"
}

same_contents()	# FILE SIZE [LBA:BLOCKS:BYTE]...: blocks of 4096 bytes
{
	python3 - "$@" <<-'PYTHON'
		import sys
		want = bytearray(int(sys.argv[2]))
		for piece in sys.argv[3:]:
		    lba, blocks, byte = map(int, piece.split(":"))
		    want[lba * 4096:(lba + blocks) * 4096] = bytes([byte]) * (blocks * 4096)
		with open(sys.argv[1], "rb") as file:
		    sys.exit(0 if file.read() == bytes(want) else 1)
	PYTHON
}

blocks_are()	# FILE LBA:BYTE...: the same of a file too large to be read
{
	python3 - "$@" <<-'PYTHON'
		import sys
		with open(sys.argv[1], "rb") as file:
		    for piece in sys.argv[2:]:
		        lba, byte = map(int, piece.split(":"))
		        file.seek(lba * 4096)
		        if file.read(4096) != bytes([byte]) * 4096:
		            sys.exit(1)
	PYTHON
}

all_holes()	# FILE
{
	[[ $(stat -c %b "$1") -eq 0 ]]
}

test_usage()
{
	expect 1 'which command'
	expect 1 'no such command: frob' frob
	expect 1 'unrecognized option' --frob
	expect 0 'Commands:' --help
	expect 0 '^shardctl .*format 4' --version
	local command
	for command in format add remove scrub list status check dump export graph; do
		expect 0 "Usage: shardctl $command" "$command" --help
		expect 1 'Try .shardctl' "$command" --frob
	done
	expect 1 'which device' format
	expect 1 'one device' format a b
	expect 1 'block-size: neither 512 nor 4096: 1024' format --block-size=1024 x
	expect 1 'extent-size: not a power of two' format --extent-size=3M x
	expect 1 'extent-size: not within' format --extent-size=512K x
	expect 1 'size: not a size: 12Q' format --size=12Q x
	expect 1 'spare: not a percentage' format --spare=x x
	expect 1 'uuid: not a UUID' format --uuid=123 x
	expect 1 'which device' add
	expect 1 'id: not within' add --id=-1 x
	expect 1 'id: not within' add --id=256 x
	expect 1 'memtable: not within' add --memtable=1K x
	expect 1 'either a device or --all' remove
	expect 1 'which device' scrub
	expect 1 'either --start or --stop' scrub --start --stop x
	expect 1 'either a device or --all' remove --all x
	expect 1 'too many' list x
	expect 1 'section: no such section' dump --section=frob x
	expect 1 'from where, and to where' export x
	expect 1 'last: not a number' graph --last=0 x
	expect 1 'record: neither on nor off' graph --record=frob x
}

test_targets()
{
	expect 3 'No such file' format none
	expect 2 'neither a block device nor a file' format /dev/null
	expect 2 'neither a block device nor a file' check .
	fresh small 31M
	expect 2 'too small: at least 32 MiB' format small
	fresh image 32M
	expect 2 'no shardblk format' check image
	expect 2 'no shardblk format' dump image
	expect 2 'no shardblk format' export image copy
	expect 2 'no shardblk format' graph image
	expect 2 'not a device that is up' graph --record=on image
	check 'a failed export leaves no file' test ! -e copy
	expect 2 'only block devices can be added.*losetup' add image
	exec 8<image
	flock 8
	expect 2 'in use: another program' format image
	exec 8<&-
	if [[ ! -e /dev/shardblk-control ]]; then
		expect 3 'module is not loaded' list
		expect 3 'module is not loaded' status
		expect 3 'module is not loaded' remove --all
		expect 3 'module is not loaded' scrub --start /dev/shardblk0
	fi
}

# Format, and look at it with everything that reads.
round_trip()	# FILE OPTION...
{
	local file=$1
	shift

	expect 0 formatted format "$@" "$file"
	expect 0 'clean +true' check --data "$file"
	expect 0 . check --json "$file"
	check "check --json $file" json 'v["clean"] and v["damage"] == []'
	expect 0 'newest +true' dump "$file"
	expect 0 . dump --json "$file"
	check "dump --json $file" json \
		'sum(r.get("newest", False) for r in v) >= 2'
}

test_format()
{
	local size code uuid=01234567-89ab-cdef-0123-456789abcdef

	for size in 32M 33M 100M 1G 16G; do
		fresh image "$size"
		round_trip image
		fresh image "$size"
		round_trip image --block-size=512
	done
	fresh image 64M
	round_trip image --extent-size=2M --spare=30 --checkpoint=1M
	expect 2 'has a shardblk format' format image
	round_trip image --force --size=16M --uuid=$uuid
	expect 0 "uuid\"?: \"$uuid" dump --section=superblock --json image
	check 'the logical size is what was asked for' json \
		'v[0]["logical_blocks"] * v[0]["block_size"] == 16 << 20'
	fresh image 64M
	expect 1 'extent-size=4 MiB: too large' format --extent-size=4M image
	expect 2 'does not fit' format --size=64M image
	expect 2 'too small for' format --size=63M image
	fresh image 64M
	round_trip image --size=128M --thin
	fresh image 64M
	expect 1 'not a multiple' format --size=1000001 image
	expect 2 'no shardblk format' check image
	# A refused format has changed nothing.
	check 'refused formats left the file alone' all_holes image
	# The engine knows one error; the user is told which one it was.
	code=0
	(trap '' XFSZ; ulimit -f 16; exec "$ctl" format image >out 2>err) || code=$?
	check 'a write that the system refuses fails' test "$code" -eq 3
	check 'and is told as the system tells it' grep -q 'File too large' err
}

# Not every file system has files of this size; tmpfs has.
test_large()
{
	local size large

	for size in 32T 15T; do
		for large in "$dir/large" "/dev/shm/${dir##*/}"; do
			fresh "$large" $size 2>/dev/null && break 2
		done
	done
	echo "shardctl-test: the large file has $size"
	round_trip "$large"
	check 'a large image stays sparse' \
		test "$(stat -c %b "$large")" -lt $((64 * 2048))
	rm -f "$large"
}

test_signatures()
{
	fresh image 64M
	mkfs.ext4 -q -F image
	expect 2 'signature of ext4; --force' format image
	expect 0 formatted format --force image
	check 'the old signature is gone' test -z "$(blkid -p -s TYPE -o value image)"
	fresh image 64M
	echo 'label: gpt' | sfdisk -q image
	expect 2 'partition table of type gpt' format image
	expect 0 formatted format --force image
	check 'the old table is gone' test -z "$(blkid -p -s PTTYPE -o value image)"
}

test_export()
{
	local size rc

	fresh image 64M
	expect 0 formatted format --size=32M image
	expect 0 '' export image copy
	check 'a fresh image exports as holes' all_holes copy
	size=$(stat -c %s copy)
	check 'the export has the logical size' test "$size" -eq $((32 << 20))
	"$ctl" export image - | cmp -s - copy
	check 'a pipe gets the same' test $? -eq 0
	expect 1 'is the source' export image image
	expect 1 'is the source' export image ./image
	rc=0
	flock --exclusive copy "$ctl" export image copy 2>err || rc=$?
	check 'a file that is locked is not written over' test $rc -eq 2
	check 'nor emptied' test "$(stat -c %s copy)" -eq "$size"

	"$fill" image write:0:1:17 write:{100,116,132,148}:16:34 write:120:10:51 \
		discard:105:5 write:8191:1:68 flush stop
	local -a contents=(0:1:17 100:64:34 120:10:51 105:5:0 8191:1:68)
	expect 0 'clean +true' check --data image
	expect 0 '' export image copy
	check 'an export has what was written' same_contents copy "$size" "${contents[@]}"
	check 'an export is sparse' test "$(stat -c %b copy)" -lt 2048
	check 'a pipe gets the same' cmp -s copy <("$ctl" export image -)
	"$ctl" export image - >stdout
	check 'a redirected export is the same' cmp -s copy stdout
	check 'a redirected export is sparse' test "$(stat -c %b stdout)" -lt 2048

	"$fill" image write:7:3:85 checkpoint write:7:1:102 discard:0:1 flush
	contents+=(7:3:85 7:1:102 0:1:0)
	expect 0 'clean +true' check --data image
	expect 0 '' export image copy
	check 'so after a crash' same_contents copy "$size" "${contents[@]}"
	cp image before
	expect 0 'record +run_page' dump image
	expect 0 . dump --json image
	check 'dump shows runs, log, manifest' json '{"superblock", "manifest", "run",
		"run_page", "frame", "extent"} <= {r["record"] for r in v}'
	expect 0 . dump --section=frames --json image
	check 'dump shows the log' json '{"write", "discard"} <=
		{e["kind"] for r in v for e in r["entries"]}'
	check 'dump, check and export changed nothing' cmp -s image before

	# What was made for smaller blocks may lie on larger ones.
	fresh image 64M
	expect 0 formatted format --block-size=512 image
	"$fill" image physical:512 write:0:1:17 stop 2>err
	check 'nothing is said of blocks that fit' test ! -s err
	"$fill" image physical:4096 write:1:1:18 stop 2>err
	check 'a warning of larger physical blocks' \
		grep -q 'physical blocks of 4096 bytes are larger than.* 512' err
	"$fill" image physical:512:3584 write:1:1:18 stop 2>err
	check 'a warning of blocks that begin elsewhere' \
		grep -q 'blocks do not begin where physical blocks do' err
	expect 0 'clean +true' check --data image

	# Reading all of these holes would take minutes.
	fresh image 4T
	expect 0 formatted format image
	"$fill" image write:7:3:85 write:900000000:1:102 checkpoint \
		write:5:1:17 discard:8:1 flush
	check 'holes are skipped' timeout 30 "$ctl" export image copy
	check 'what lies between them is not' blocks_are copy \
		4:0 5:17 6:0 7:85 8:0 9:85 10:0 899999999:0 900000000:102
	check 'the large export is sparse' test "$(stat -c %b copy)" -lt 2048
}

# Where something lies that dump knows: an expression over a record r.
locate()	# IMAGE SECTION CONDITION
{
	"$ctl" dump --json --section="$2" "$1" >out
	python3 -c 'import json, sys
for r in json.load(open("out")):
    if eval(sys.argv[1]):
        print((r["extent"] * (1 << 20) + r["block"] * 4096))
        break' "$3"
}

test_damage()
{
	local at

	fresh image 64M
	expect 0 formatted format --extent-size=1M image
	flip image 100
	expect 4 damage check image
	expect 4 . check --json image
	check 'check --json has findings' json 'not v["clean"] and v["damage"]'
	expect 0 'error +not right' dump --section=superblock image

	fresh image 64M
	expect 0 formatted format --extent-size=1M --size=32M image
	"$fill" image write:10:5:17 checkpoint write:50:2:34 flush stop
	cp image good

	at=$(locate image runs 'r["record"] == "run_page"')
	flip image $((at + 40))
	expect 4 damage check image
	expect 4 'damage +not right' dump --section=runs image

	cp good image
	at=$(locate image manifest 'r["copy"] == 0')
	flip image $((at + 90))
	expect 4 damage check image
	expect 4 'damage +not right' dump --section=manifest image

	# The second copy of the newest record: not written yet, torn, rotten.
	local slot size=4096
	slot=$("$ctl" dump --json --section=superblock good | python3 -c '
import json, sys
new = [r for r in json.load(sys.stdin) if r.get("newest") and r["extent"] % 2]
print(new[0]["extent"] * (1 << 20) + new[0]["block"] * 4096)')
	cp good image
	dd if=/dev/zero of=image bs=$size seek=$((slot / size)) count=1 \
		conv=notrunc status=none
	expect 0 'note: superblock: copy 1 is one record behind' check image
	expect 0 . check --json image
	check 'check --json has the note' json 'v["clean"] and v["notes"]'
	cp good image
	dd if=/dev/zero of=image bs=512 seek=$((slot / 512 + 1)) count=7 \
		conv=notrunc status=none
	expect 0 'clean +true' check image
	local byte
	for byte in 0 13 40 511 512 4095; do
		cp good image
		flip image $((slot + byte))
		expect 4 'damage: superblock: copy 1, extent 1 block [0-9]+: record' \
			check image
	done

	# Data: only those that read it can know.
	cp good image
	at=$("$ctl" dump --json --section=runs image | python3 -c '
import json, sys
for r in json.load(sys.stdin):
    for e in r.get("entries", []) if r.get("level") == 0 else []:
        if isinstance(e, dict) and e["lba"] <= 12 < e["lba"] + e["blocks"]:
            print(e["extent"] * (1 << 20) + (e["block"] + 12 - e["lba"]) * 4096)
            sys.exit()')
	flip image $((at + 5))
	expect 0 'clean +true' check image
	expect 4 damage check --data image
	expect 4 'block 12 cannot be read' export image copy
	check 'the rest is exported' same_contents copy $((32 << 20)) \
		10:5:17 12:1:0 50:2:34
}

# Change what the newest manifest says of its first run, and seal all that leads there.
lie()	# FILE STATEMENT: Python, about the bytearrays run, chunk and root
{
	python3 - "$@" <<-'PYTHON'
		import struct, sys
		block, extent_size = 512, 1 << 20
		table = list(range(256))
		for _ in range(8):
		    table = [v >> 1 ^ (0x82f63b78 if v & 1 else 0) for v in table]
		def crc(seed, data):
		    for byte in data:
		        seed = table[(seed ^ byte) & 255] ^ seed >> 8
		    return seed
		def u32(data, at):
		    return struct.unpack_from("<I", data, at)[0]
		def sealed(data):
		    data[0:4] = struct.pack("<I", crc(seed, data[4:u32(data, 12)]))
		    return data
		def read(at):
		    file.seek(at)
		    return bytearray(file.read(block))
		def write(at, data):
		    file.seek(at)
		    file.write(data)
		with open(sys.argv[1], "r+b") as file:
		    supers = [(struct.unpack_from("<Q", read(at), 96)[0], at)
		              for e in range(4) for b in range(64)
		              for at in [e * extent_size + b * block]
		              if u32(read(at), 4) == 0x42534453]
		    newest = max(supers)[0]
		    at_super = [at for number, at in supers if number == newest]
		    super = read(at_super[0])
		    seed = crc(0xffffffff, super[32:48])
		    for copy in (120, 140):
		        extent, _, first, nr, _ = struct.unpack_from("<5I", super, copy)
		        at = extent * extent_size + first * block
		        pages = [read(at + i * block) for i in range(nr)]
		        items = [(page, 80 + 32 * i) for page in pages
		                 for i in range(struct.unpack_from("<H", page, 52)[0])]
		        of_run = next(i for i in items if i[0][i[1]] == 2)
		        of_chunk = next(i for i in items if i[0][i[1]] == 3)
		        run = of_run[0][of_run[1]:of_run[1] + 32]
		        chunk = of_chunk[0][of_chunk[1]:of_chunk[1] + 32]
		        at_root = u32(chunk, 4) * extent_size + \
		            (u32(chunk, 12) + u32(chunk, 16) - 1) * block
		        root = read(at_root)
		        exec(sys.argv[2])
		        write(at_root, sealed(root))
		        run[28:32] = root[0:4]
		        of_run[0][of_run[1]:of_run[1] + 32] = run
		        of_chunk[0][of_chunk[1]:of_chunk[1] + 32] = chunk
		        csum = seed
		        for i, page in enumerate(pages):
		            write(at + i * block, sealed(page))
		            csum = crc(csum, page)
		        super[copy + 16:copy + 20] = struct.pack("<I", csum)
		    for at in at_super:
		        super[16:20] = struct.pack("<I", at // extent_size)
		        super[24:28] = struct.pack("<I", at % extent_size // block)
		        write(at, sealed(super))
	PYTHON
}

# Checksums that are right prove nothing: dump looks at each number, and ends.
test_hostile()
{
	local lie writes=()

	for lie in {0..23}; do
		writes+=("write:$((2 * lie)):1:$lie")
	done
	fresh image 64M
	expect 0 formatted format --block-size=512 --extent-size=1M --size=32M image
	"$fill" image "${writes[@]}" checkpoint stop
	cp image good
	lie image 'pass'
	check 'a lie that says the truth changes nothing' cmp -s image good
	expect 0 . dump --json --section=runs image
	check 'the run has a root and leaves' json \
		'[r["level"] for r in v if r["record"] == "run_page"] == [1, 0, 0]'
	# More pages than chunks hold; too high; chunks too few, too many, outside, of none.
	for lie in 'run[4:8] = b"\xff" * 4' 'run[1] = 200' 'run[24] = 2' 'run[24] = 0' \
		'chunk[4] = 3' 'chunk[4:8] = b"\xff" * 4' 'chunk[12:16] = b"\xff" * 4' \
		'chunk[16:20] = b"\xff" * 4' 'run[:] = items[0][0][80:112]'; do
		cp good image
		lie image "$lie"
		expect 4 . dump --json --section=runs image
		check "a run with $lie is damaged" json \
			'["damage" in r for r in v if r["record"] == "run"] == [True]'
		check "no page of it is shown: $lie" json \
			'not [r for r in v if r["record"] == "run_page"]'
	done
	# All children are the first one.
	cp good image
	lie image 'root[56:64] = root[40:48]'
	expect 4 . dump --json --section=runs image
	check 'no page is shown twice' json \
		'[r.get("page", "damaged") for r in v if r["record"] == "run_page"] ==
		[2, 0, "damaged"]'
}

# Two extents are all that runs have where one of all blocks fits into one: the old and
# the new.  Blocks one by one, so that each is an entry, fill the device that is thin.
test_thin()
{
	local -a steps
	local rc=0

	fresh image 128M
	expect 0 formatted format --thin --size=256M image
	mapfile -t steps < <(python3 -c '
import random
random.seed(5)
for n, block in enumerate(random.sample(range(32768), 25500)):
	print(f"write:{2 * block}:1:{1 + n % 250}")
	if n % 2000 == 1999:
		print("checkpoint")')
	"$fill" image "${steps[@]}" stop 2>err || rc=$?
	check 'a thin device merges its runs until it is full' test $rc -eq 0
	"$fill" image "${steps[@]:0:4000}" stop 2>err || rc=$?
	check 'and goes on after a start' test $rc -eq 0
	expect 0 'clean +true' check --data image
}

# What lies on an image says what came after what, and what is durable.
test_graph()
{
	local green=b2f2bb yellow=fff3a3 node code

	fresh image 64M
	expect 0 formatted format --extent-size=1M image
	"$fill" image write:10:5:17 write:20:1:3 checkpoint write:50:2:34 flush \
		discard:7:100 write:60:1:1
	cp image before
	expect 0 '^digraph' graph image
	mv out dot
	for node in "note.*$green.*manifest 3.*copy 0" "note.*$green.*manifest 3.*copy 1" \
		"folder.*$green.*run" "box3d.*$green.*record 3.*checkpoint of 2" \
		"box .*$green.*frame 3.*write 50..51" \
		"box .*$yellow.*frame 5.*write 60" 'run.*2 entries' 'host.*sealed'; do
		check "the graph has $node" grep -qE "$node" dot
	done
	check 'a copy after the other' grep -q 'a[0-9]* -> a[0-9]* .*O10' dot
	check 'the record after all it needs' test "$(sed -n \
		"s/^.\(a[0-9]*\) .*record 3.*extent 0:.*/\1/p" dot | xargs -I{} \
		grep -cE '{} -> a[0-9]+ .color="#1c7ed6".;' dot)" -eq 3
	expect 0 '' graph --last=1 -o last image
	expect 1 'is the source' graph -o image image
	expect 1 'is the source' graph -o ./image image
	check 'no more than wanted' test "$(grep -c '^.a[0-9]* .shape' last)" -eq 1
	check 'graph changed nothing' cmp -s image before
	if command -v dot >/dev/null; then
		expect 0 '' graph -o image.svg image
		check 'dot understands it' grep -q '</svg>' image.svg
	fi
	mkdir -p empty
	code=0
	PATH=$dir/empty "$ctl" graph -o image.svg image >out 2>err || code=$?
	check 'without dot it fails' test $code -eq 3
	check 'and says what is missing' grep -q 'package graphviz' err

	printf '%s\n' '# shardblk graph: recording is on' \
		'device block_size=512 extent_blocks=16 extents=20' \
		'append id=1 offset=65536 len=1024 dep=1' 'issued id=1 first=1' \
		'written id=1 ticket=1' 'append id=2 queue=5 len=512 after=1 ticket=1' \
		'flush id=1 ticket=1' >events
	expect 0 "extent 8: 0 .2" graph events
	check 'a flush is under way' grep -q 'ellipse.*ffd8a8' out
	check 'it will cover the append' grep -q 'f0 -> a0' out
	check 'the other one waits for it' grep -q 'a1 -> f0 .*O4' out
	echo 'frob id=1' >>events
	expect 3 'not understood: frob' graph events
	printf '# shardblk graph: recording is off\n' >events
	expect 0 'nothing was recorded' graph events

	# A damaged device has a graph, too.
	flip image "$(locate image frames 'r["seq"] == 3')"
	expect 4 'record 3' graph image
}

touch out err
for test in usage targets format large signatures export damage hostile thin graph; do
	test_$test
done
echo "shardctl-test: $nr_passed passed, $nr_failed failed"
[[ $nr_failed -eq 0 ]]
