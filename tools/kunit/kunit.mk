# SPDX-License-Identifier: GPL-2.0-only

# KUnit suites in user-mode Linux; SUITES is a glob.
SUITES ?= shardblk*

.PHONY: kunit mutants-kunit
kunit: ## the KUnit suites under user-mode Linux, on a kernel built for them; SUITES=GLOB, KERNEL=7.3
	tools/kunit/run '$(SUITES)'

mutants-kunit: ## do the suites of kmod/block notice faults that user space has not got? ONLY=M2
	tools/kunit/mutants $(if $(ONLY),--only=$(ONLY))
