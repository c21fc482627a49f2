# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Programs that a kernel build and the checks need: what the machine has, and
# for the rest Debian's, unpacked below the cache. Source debs.sh first.

# program -> package; bison and flex run m4.
declare -A HOST_PACKAGES=([flex]=flex [bison]=bison [m4]=m4 [sparse]=sparse
	[shellcheck]=shellcheck [bc]=bc)

host_tools_fetch()
{
	local root=$1 tmp package program
	shift
	local -a packages=()

	for program in "$@"; do
		[[ -x $root/usr/bin/$program ]] ||
			packages+=("${HOST_PACKAGES[$program]}")
	done
	[[ ${#packages[@]} -gt 0 ]] || return 0
	tmp=$(mktemp -d "$root.XXXXXX")
	(cd "$tmp" && debs_download "${packages[@]}")
	for package in "$tmp"/*.deb; do
		dpkg-deb -x "$package" "$root"
	done
	rm -rf "$tmp"
}

# Put the named programs on PATH; fetch those that are not there.
host_tools()
{
	local root program
	local -a missing=()

	root="$(shardblk_cache)/host-tools"
	for program in "$@"; do
		type -P "$program" >/dev/null || missing+=("$program")
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0
	mkdir -p "$root"
	debs_locked host-tools host_tools_fetch "$root" "${missing[@]}"
	PATH="$PATH:$root/usr/bin"
	export PATH
	if [[ -x $root/usr/bin/m4 ]]; then
		export M4="$root/usr/bin/m4"
	fi
	if [[ -x $root/usr/bin/bison ]]; then
		export BISON_PKGDATADIR="$root/usr/share/bison"
	fi
}
