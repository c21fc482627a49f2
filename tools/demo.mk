# SPDX-License-Identifier: GPL-2.0-only

.PHONY: demo
demo: ## a VM with the module: fio results, a power cut, a verified recovery
	@tools/deps build vm
	@$(MAKE) --no-print-directory -s vm-module shardctl
	@tools/demo --dir $(VM_DIR)/demo --module $(VM_MODULE) --shardctl $(O)/shardctl
