# SPDX-License-Identifier: GPL-2.0-only
"""The figures that shardblk is to reach, and whether cells of tools/bench/compare show that it does."""
import statistics

import cells

OURS = "shardblk"
# Guarantees of these are comparable.
PEERS = ("integrity_journal", "loop_btrfs")
WRITE_JOBS = ("durable-write", "durable-writers", "random-write-1", "random-write-32", "random-mixed", "seq-write-1",
              "seq-write-32", "seq-write-1m", "ext4-create", "ext4-fsync", "sqlite")
BLOCK = 4096
# Elsewhere, or nowhere here.
OTHERS = (
    ("instructions per I/O", "[below](#instructions-per-io)"),
    ("locks and shared cache lines", "**missed**, [below](#locks-of-a-request)"),
    ("two CPUs over one", "not measured: the two vCPUs share what is emulated"),
    ("instructions at 16 TiB mapped over those at 1 GiB", "not measured here"),
    ("ahead of dm-vdo", "not measured: it is not in this kernel"),
)


def backing_rate(cell):
    """Bytes per second that the disk was given or gave."""
    return (cell["backing"]["written"] + cell["backing"]["read"]) / cell["seconds"]


def median_latency(cell):
    """Of a request, ns."""
    return cell["latency"]["50.000000"]


def written_per_user(cell):
    """Backing bytes for each of the user's, until the stack was taken down."""
    return (cell["backing"]["written"] + cell["left"]["written"]) / cell["user_written"]


def pairs(same, one, other, what, of=None):
    """Median of a quotient of two (disk, job, stack), each formed within one boot and repetition."""
    found = {(c["boot"], c["rep"]): c for c in same.get(other, [])}
    quotients = [what(c) / (of or what)(found[c["boot"], c["rep"]]) for c in same.get(one, [])
                 if (c["boot"], c["rep"]) in found]
    return statistics.median(quotients) if quotients else None


def long_run(same):
    """User blocks per block of a long random overwrite, and why it does not count, if so."""
    runs = same.get(("bandwidth", "long-random-write", OURS), [])
    values = []
    for cell in runs:
        counted = cell["counters"]
        if counted.get("checkpoints", 0) >= 3 and counted["compactions"] and not counted["relocated_blocks"]:
            values.append(cell["user_written"] / BLOCK / counted["host_blocks"])
    if values:
        return statistics.median(values), f"all backing bytes: {statistics.median(map(all_bytes, runs)):.3f}"
    return None, "no run with 3 checkpoints, a compaction and no reclamation" if runs else ""


def all_bytes(cell):
    """User bytes per backing byte."""
    return cell["user_written"] / cell["backing"]["written"]


def worst_second(same):
    """Over the median of all, in the worst of the runs; None where none has as many as tell."""
    logs = [c["log"] for c in same if len(c["log"]) > 2]
    return min(min(log) / (statistics.median(log) or 1) for log in logs) if logs else None


def bounds(same):
    """[(what, measured or None, bound, whether at least, remark)...]"""
    def over_raw(job, what=cells.rate, disk="bandwidth"):
        return pairs(same, (disk, job, OURS), (disk, job, cells.RAW), what)

    found = [
        ("bandwidth: backing bandwidth of random 4 KiB writes over raw's of sequential 1 MiB writes",
         pairs(same, ("bandwidth", "random-write-32", OURS), ("bandwidth", "seq-write-1m", cells.RAW), backing_rate),
         0.98, True, ""),
        ("bandwidth: user bytes per byte of data frames, long random overwrite", *long_run(same)[:1], 0.93, True,
         long_run(same)[1]),
        ("bandwidth: sequential 1 MiB writes over raw's", over_raw("seq-write-1m"), 0.98, True, ""),
        ("bandwidth: random 4 KiB reads over raw's", over_raw("random-read-32"), 0.98, True, ""),
        ("bandwidth: sequential 1 MiB reads over raw's", over_raw("seq-read-1m"), 0.98, True, ""),
        ("latency: median of a durable 4 KiB write over raw's", over_raw("durable-write", median_latency, "latency"),
         1.1, False, ""),
        ("latency: commits of 16 writers over those of one",
         pairs(same, ("latency", "durable-writers", OURS), ("latency", "durable-write", OURS), cells.rate), 8, True, ""),
        ("15 % of spare: backing bandwidth in steady state over raw's",
         pairs(same, ("bandwidth", "steady-spare15", OURS), ("bandwidth", "steady-spare15", cells.RAW),
               lambda c: c["backing"]["written"] / c["seconds"]), 0.9, True, ""),
        ("15 % of spare: the same with what is read, which shares it",
         pairs(same, ("bandwidth", "steady-spare15", OURS), ("bandwidth", "steady-spare15", cells.RAW),
               lambda c: (c["backing"]["written"] + c["backing"]["read"]) / c["seconds"]), 0.9, True, ""),
        ("15 % of spare: worst second of all repetitions over its run's median", worst_second(same.get(("bandwidth", "steady-spare15", OURS), [])), 0.5, True, ""),
    ]
    for peer in PEERS:
        found += [(f"bandwidth: {job} over {peer}",
                   pairs(same, ("bandwidth", job, OURS), ("bandwidth", job, peer), cells.rate), 1, True, "")
                  for job in WRITE_JOBS if ("bandwidth", job, peer) in same]
        found += [(f"bandwidth: backing bytes of {job} over {peer}'s",
                   pairs(same, ("bandwidth", job, OURS), ("bandwidth", job, peer), written_per_user), 1, False, "")
                  for job in WRITE_JOBS if ("bandwidth", job, peer) in same and not job.startswith(("ext4", "sqlite"))]
    return found


def rows(all_cells):
    """Of a table: what, measured, bound, verdict."""
    for what, value, bound, least, remark in bounds(cells.by_cell(all_cells)):
        limit = f"at {'least' if least else 'most'} {bound}"
        if value is None:
            yield [what, "-", limit, "not measured" + (f": {remark}" if remark else "")]
        else:
            good = value >= bound if least else value <= bound
            yield [what, f"{value:.3f}", limit, ("reached" if good else "**missed**") + (f"; {remark}" if remark else "")]
    for what, why in OTHERS:
        yield [what, "", "", why]
