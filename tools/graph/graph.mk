# SPDX-License-Identifier: GPL-2.0-only
#
# Pictures of the dependency graph: what shardctl and shardsim share, and the
# figures of docs/.
#
#   $(GRAPH_SRCS)   from the lines of events to dot

GRAPH_SRCS	:= $(wildcard tools/graph/*.c)

# What every file of ours has, here behind the line that says XML.
FIGURE_LICENCE	:= <!-- SPDX-License-Identifier: GPL-2.0-only -->

# Each is replayed with the seed behind it.
FIGURES		:= puts:0 discard:0 crash:0

.PHONY: figures
figures: $(O)/asan/shardsim ## draw the figures of docs/ anew, from runs of the checker; needs dot
	@tools/deps figures
	@for f in $(FIGURES); do \
		echo "  FIGURE  docs/figures/$${f%:*}.svg"; \
		$(O)/asan/shardsim replay --graph=$(O)/$${f%:*}.dot \
			figure-$$f >/dev/null && \
		dot -Tsvg $(O)/$${f%:*}.dot | sed '1a $(FIGURE_LICENCE)' \
			>docs/figures/$${f%:*}.svg || exit 1; \
	done
