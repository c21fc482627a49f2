# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A private kernel tree with shardblk in it as drivers/block/shardblk. Source
# debs.sh first; hold the overlay's lock while the tree is used.
#
# The tree is made of hard links to the pristine one: made in seconds, and no
# symbolic links, which kunit.py resolves and then builds the original tree.
# So files of it are replaced, never written in place.

# What of the project the kernel builds.
OVERLAY_SOURCES=(Kbuild Kconfig kmod uapi kunit)

overlay_replace()	# FILE: standard input becomes its content, if it differs
{
	local new
	new=$(mktemp "$1.XXXXXX")

	cat >"$new"
	if cmp -s "$new" "$1"; then
		rm "$new"
	else
		chmod 644 "$new"
		mv "$new" "$1"
	fi
}

overlay_create()	# PRISTINE TREE, unless it was made by this very file
{
	local pristine=$1 tree=$2
	local block="$tree.new/drivers/block"

	if cmp -s "${BASH_SOURCE[0]}" "$tree/.overlay"; then
		return
	fi
	rm -rf "$tree.new" "$tree"
	cp -al "$pristine" "$tree.new"
	mkdir -p "$block/shardblk"
	sed 's|^endif # BLK_DEV$|source "drivers/block/shardblk/Kconfig"\n\n&|' \
		"$pristine/drivers/block/Kconfig" |
		overlay_replace "$block/Kconfig"
	{
		cat "$pristine/drivers/block/Makefile"
		printf 'obj-$%s += shardblk/\n' '(CONFIG_SHARDBLK)'
	} | overlay_replace "$block/Makefile"
	grep -q shardblk "$block/Kconfig"

	# The leak check at halt lives where kmemleak's static functions are.
	{
		cat "$pristine/mm/kmemleak.c"
		printf '#include "kmemleak-at-halt.c"\n'
	} | overlay_replace "$tree.new/mm/kmemleak.c"

	# Tests fail allocations one by one with current->fail_nth; by default
	# those that may sleep are spared, and there is no debugfs to say no.
	sed 's|\(\.ignore_gfp_reclaim = \)true|\1false|' \
		"$pristine/mm/failslab.c" |
		overlay_replace "$tree.new/mm/failslab.c"
	grep -q 'ignore_gfp_reclaim = false' "$tree.new/mm/failslab.c"
	cp "${BASH_SOURCE[0]}" "$tree.new/.overlay"
	mv -T "$tree.new" "$tree"
}

# Bring the sources up to date; an unchanged file keeps its time, so that the
# build is incremental.
overlay_refresh()	# REPO TREE HERE
{
	local repo=$1 tree=$2 here=$3 file
	local dest="$tree/drivers/block/shardblk"
	local -a present=()

	overlay_replace "$tree/mm/kmemleak-at-halt.c" \
		<"$here/kmemleak-at-halt.c"
	for file in "${OVERLAY_SOURCES[@]}"; do
		if [[ -e $repo/$file ]]; then
			present+=("$file")
		fi
	done
	while IFS= read -r file; do
		mkdir -p "$dest/$(dirname "$file")"
		overlay_replace "$dest/$file" <"$repo/$file"
	done < <(cd "$repo" && overlay_list "${present[@]}")
	while IFS= read -r file; do
		[[ -e $repo/$file ]] || rm "$dest/$file"
	done < <(cd "$dest" && find . -type f)
}

overlay_list()
{
	find "$@" -type f \( -name '*.[ch]' -o -name Kbuild -o -name Kconfig \
		-o -name Makefile \)
}
