# SPDX-License-Identifier: GPL-2.0-only

# KUnit suites in user-mode Linux; SUITES is a glob.
SUITES ?= shardblk*

.PHONY: kunit
kunit:
	tools/kunit/run '$(SUITES)'
