# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Debian packages without installing them: sourced by tools/linux-source and
# by the tools beside this file. Packages come from Debian 12 (bookworm)
# whatever release runs here, and are unpacked below the cache, so that no
# build depends on, or changes, what the machine has installed.

DEBS_SUITE=bookworm		# who sources this may want another

shardblk_cache()
{
	printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/shardblk"
}

debs_say()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# Where Debian comes from: what the machine already uses, or the override.
debs_mirror()
{
	local site

	if [[ -n ${SHARDBLK_DEBIAN_MIRROR:-} ]]; then
		printf '%s\n' "$SHARDBLK_DEBIAN_MIRROR"
		return
	fi
	# shellcheck disable=SC2016 # apt expands these, not the shell
	site=$(apt-get indextargets --format '$(ORIGIN) $(SITE)' \
		'Created-By: Packages' | awk '
		$1 == "Debian" && $2 !~ /security/ { print $2; exit }')
	if [[ -z $site ]]; then
		debs_say "no Debian mirror known: set SHARDBLK_DEBIAN_MIRROR"
		return 1
	fi
	printf '%s\n' "$site"
}

# apt with lists of our own, for other releases and for ordinary users.
debs_private_apt()
{
	local dir=$1 mirror key=/usr/share/keyrings/debian-archive-keyring.gpg

	mkdir -p "$dir"/{lists/partial,archives/partial,sources.d}
	: >"$dir/status"
	DEBS_APT+=(-o "Dir::State::lists=$dir/lists"
		-o "Dir::State::status=$dir/status"
		-o "Dir::Cache=$dir" -o "Dir::Cache::archives=$dir/archives")
	if [[ $DEBS_CODENAME == "$DEBS_SUITE" ]]; then
		return
	fi
	mirror=$(debs_mirror)
	[[ -r $key ]] && key="[signed-by=$key]" || key=
	{
		printf 'deb %s %s %s main\n' "$key" "$mirror" "$DEBS_SUITE"
		[[ $DEBS_SUITE == *-backports ]] ||
			printf 'deb %s %s-security %s-security main\n' \
				"$key" "${mirror%/}" "$DEBS_SUITE"
	} >"$dir/sources.list"
	DEBS_APT+=(-o "Dir::Etc::sourcelist=$dir/sources.list"
		-o "Dir::Etc::sourceparts=$dir/sources.d")
}

# Download the named packages' .deb files into the current directory.
debs_download()
{
	local -a DEBS_APT=(-q -o APT::Sandbox::User=root)
	local DEBS_CODENAME

	DEBS_CODENAME=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	if [[ $DEBS_CODENAME != "$DEBS_SUITE" || $EUID -ne 0 ]] &&
	   ! { [[ $DEBS_CODENAME == "$DEBS_SUITE" ]] &&
	       apt-cache show --no-all-versions "$@" >/dev/null 2>&1; }; then
		debs_private_apt "$(shardblk_cache)/apt/$DEBS_SUITE"
	fi
	if ! apt-cache "${DEBS_APT[@]:1}" show --no-all-versions "$@" \
	     >/dev/null 2>&1; then
		apt-get "${DEBS_APT[@]}" update >&2
	fi
	apt-get "${DEBS_APT[@]}" download "$@" >&2 && return
	# Lists from last week name versions that have been superseded.
	apt-get "${DEBS_APT[@]}" update >&2
	apt-get "${DEBS_APT[@]}" download "$@" >&2
}

# Run a command with the lock of the cache's item $1 held.
debs_locked()
{
	local lock
	lock="$(shardblk_cache)/.lock-$1"
	shift

	mkdir -p "${lock%/*}"
	(
		if ! flock -n 9; then
			debs_say "waiting for another run ($lock)"
			flock 9
		fi
		"$@" 9>&-
	) 9>"$lock"
}
