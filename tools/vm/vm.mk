# SPDX-License-Identifier: GPL-2.0-only
#
# The targets that need a VM.  Included by the top Makefile, whose `module` and
# `shardctl` targets make shardblk.ko and build/shardctl.
#
#   make vm-test             all tests of the module in a VM, power cuts included
#   make vm-test ONLY=name   one of them (tools/vm/vm-test --list)
#   make vm-shell            a shell in the VM, with two empty disks of 1 GiB
#   KERNEL=6.1               Debian's kernel series

KERNEL ?= 6.1
export KERNEL
VM_NEEDS ?= module shardctl
VM_DIR := build/vm

.PHONY: vm-test vm-shell vm-deps

vm-deps:
	@tools/deps vm

vm-test: vm-deps $(VM_NEEDS)
	@tools/vm/vm-test --dir $(VM_DIR) $(if $(ONLY),--only "$(ONLY)")

vm-shell: vm-deps $(VM_NEEDS)
	@mkdir -p $(VM_DIR)
	@tools/vm/mkinitramfs $(VM_DIR)/initramfs.cpio shardblk.ko build/shardctl
	@rm -f $(VM_DIR)/shell-[ab].img
	@truncate -s 1G $(VM_DIR)/shell-a.img $(VM_DIR)/shell-b.img
	@tools/vm/run --initramfs $(VM_DIR)/initramfs.cpio --script shell \
		--disk file=$(VM_DIR)/shell-a.img --disk file=$(VM_DIR)/shell-b.img
