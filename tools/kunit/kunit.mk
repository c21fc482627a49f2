# SPDX-License-Identifier: GPL-2.0-only

# KUnit suites in user-mode Linux; SUITES is a glob.
SUITES ?= shardblk*

.PHONY: kunit
kunit: ## the KUnit suites under user-mode Linux, on a kernel built for them; SUITES=GLOB, KERNEL=7.3
	tools/kunit/run '$(SUITES)'
