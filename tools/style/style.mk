# SPDX-License-Identifier: GPL-2.0-only

# Checks that need no run: kernel style, sparse, layers, documents.
.PHONY: style
style: ## kernel style, sparse, layers, sizes, shell scripts, documents
	tools/style/run
