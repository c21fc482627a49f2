# SPDX-License-Identifier: GPL-2.0-only
#
# Builds shardblk.ko.
#
#   make module [KDIR=/lib/modules/.../build] [W=1] [C=2]
#
# KDIR is the running kernel's headers if they are there, else those of the
# kernel that tests run in a VM, from tools/vm/fetch; KERNEL=6.1 chooses its
# series.  Objects go to build/module/RELEASE, into a tree of links to the
# sources, so that kernels do not get into each other's way; the module that was
# built last is copied to shardblk.ko.

# What is exported to recipes does not reach $(shell) of every make.
VM_FETCH = KERNEL=$(KERNEL) DEBUG_KERNEL=$(DEBUG_KERNEL) tools/vm/fetch
KDIR ?= $(wildcard /lib/modules/$(shell uname -r)/build)
# As make -C would understand it.
MODULE_KDIR = $(or $(KDIR),$(shell $(VM_FETCH) --kdir))

ALL += module
INSTALL += install-module
CLEAN += shardblk.ko

.PHONY: module vm-module install-module

module: ## shardblk.ko, for the kernel whose headers are in KDIR (default: the running one's, else the VM's)
	+@$(call module_make,modules,$(MODULE_KDIR))

vm-module: ## shardblk.ko, for the kernel that tests run in a VM
	+@$(call module_make,modules,$(shell $(VM_FETCH) --kdir))

install-module: module
	+@$(call module_make,modules_install,$(MODULE_KDIR))

# $(call module_make,TARGET,KDIR)
define module_make
	kdir='$(2)' && release=$$(cat "$$kdir/include/config/kernel.release") && \
	dir='$(CURDIR)'/$(O)/module/$$release && mkdir -p "$$dir" && \
	cp -rsf '$(CURDIR)'/Kbuild '$(CURDIR)'/kmod '$(CURDIR)'/uapi \
		'$(CURDIR)'/kunit "$$dir" && \
	$(MAKE) -C "$$kdir" M="$$dir" $(1) && \
	cp "$$dir/shardblk.ko" shardblk.ko
endef
