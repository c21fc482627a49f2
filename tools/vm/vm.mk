# SPDX-License-Identifier: GPL-2.0-only
#
# The targets that need a VM.
#
#   make vm-test ONLY=name   one test (tools/vm/vm-test --list tells the names)
#   JOBS=N                   so many tests at a time, instead of one for each processor
#   HOG_SECONDS=300          how long the test "memory" keeps memory short
#   KERNEL=6.1               Debian's kernel series
#   DEBUG_KERNEL=kasan|kcsan a kernel built for it (tools/vm/debug-kernel), which reports
#                            more; its logs and disks are in build/vm-kasan
#
# VM_NEEDS makes build/module/RELEASE/shardblk.ko, build/shardctl and shardsim.

KERNEL ?= 6.1
export KERNEL DEBUG_KERNEL
VM_NEEDS ?= vm-module shardctl build/asan/shardsim
VM_DIR := build/vm$(if $(DEBUG_KERNEL),-$(DEBUG_KERNEL))
VM_MODULE = build/module/$$(cat "$$(tools/vm/fetch --kdir)/include/config/kernel.release")/shardblk.ko
# Debug kernels are slow enough.
HOG_SECONDS ?= $(if $(DEBUG_KERNEL),150)

.PHONY: vm-test vm-shell vm-deps

vm-deps:
	@tools/deps $(if $(DEBUG_KERNEL),debug-kernel,vm)

vm-test: vm-deps $(VM_NEEDS) ## tests of the module in a VM, power cuts included; ONLY=name for one; DEBUG_KERNEL=kasan or kcsan
	@tools/vm/vm-test --dir $(VM_DIR) --module $(VM_MODULE) $(if $(ONLY),--only "$(ONLY)") \
		$(if $(JOBS),--jobs $(JOBS)) $(if $(HOG_SECONDS),--hog-seconds $(HOG_SECONDS))

vm-shell: vm-deps $(VM_NEEDS) ## a shell in the VM, with the module and two empty disks
	@mkdir -p $(VM_DIR)
	@tools/vm/mkinitramfs $(VM_DIR)/initramfs.cpio $(VM_MODULE) build/shardctl
	@rm -f $(VM_DIR)/shell-[ab].img
	@truncate -s 1G $(VM_DIR)/shell-a.img $(VM_DIR)/shell-b.img
	@tools/vm/run --initramfs $(VM_DIR)/initramfs.cpio --script shell --memory 1024 \
		--disk file=$(VM_DIR)/shell-a.img --disk file=$(VM_DIR)/shell-b.img
