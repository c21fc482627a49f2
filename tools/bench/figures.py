# SPDX-License-Identifier: GPL-2.0-only
"""The figures that shardblk is to reach, and whether cells of tools/bench/compare show that it does."""
import statistics

import cells

OURS = cells.OURS
# Guarantees of these are comparable.
PEERS = ("integrity_journal", "loop_btrfs")
WRITE_JOBS = ("durable-write", "durable-writers", "random-write-1", "random-write-32", "random-mixed", "seq-write-1",
              "seq-write-32", "seq-write-1m", "ext4-create", "ext4-fsync", "sqlite")
WAITING_JOBS = ("durable-write", "durable-writers", "ext4-fsync", "sqlite")
BLOCK = 4096
# So many times faster must 16 writers be than one, and on the raw disk two processors than one, to count.
WRITERS, PROCESSORS = 8, 1.6
# Not by cells.
OTHERS = (
    ("instructions per I/O", "counted: [instructions](PERFORMANCE.md#instructions-per-io)"),
    ("locks and shared cache lines", "**missed**, counted: [locks](PERFORMANCE.md#locks-of-a-request)"),
    ("instructions at 16 TiB mapped over those at 1 GiB",
     "**missed** for reads, counted: [growth](PERFORMANCE.md#growth)"),
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


def per_frame_byte(cell):
    """User bytes per byte of data frames, their headers included."""
    return cell["user_written"] / BLOCK / cell["counters"]["host_blocks"]


def per_backing_byte(cell):
    """User bytes per byte of all that the disk was given."""
    return cell["user_written"] / cell["backing"]["written"]


def long_run(same, what):
    """Of a long random overwrite, and why it does not count, if so."""
    runs = same.get(("bandwidth", "long-random-write", OURS), [])
    values = [what(c) for c in runs if c["counters"].get("checkpoints", 0) >= 3 and c["counters"]["compactions"]
              and not c["counters"]["relocated_blocks"]]
    if values:
        return statistics.median(values), ""
    return None, "no run with 3 checkpoints, a compaction and no reclamation" if runs else ""


def times(same, disk, job, base, stack):
    """{(boot, rep): rate of a job over that of another} through a stack."""
    bases = {(c["boot"], c["rep"]): cells.rate(c) for c in same.get((disk, base, stack), [])}
    rates = {(c["boot"], c["rep"]): cells.rate(c) for c in same.get((disk, job, stack), [])}
    return {at: rate / bases[at] for at, rate in rates.items() if at in bases}


def writers(same):
    """16 writers over one, and the raw disk's own, which tells whether more writers had a processor."""
    ours, raw = (list(times(same, "latency", "durable-writers", "durable-write", stack).values())
                 for stack in (OURS, cells.RAW))
    if not ours or not raw:
        return statistics.median(ours) if ours else None, ""
    said = f"raw's own {statistics.median(raw):.3f}"
    if statistics.median(raw) < WRITERS:
        said += ", so the processor is the limit"
    return statistics.median(ours), said


def processors(same, job):
    """Two jobs on two processors over one, over the same of the raw disk, of those repetitions in which that gained."""
    ours, raw = (times(same, "brd", f"{job}-2cpu", f"{job}-1cpu", stack) for stack in (OURS, cells.RAW))
    both = [at for at in ours if at in raw]
    if not both:
        return None, ""
    counted = [ours[at] / raw[at] for at in both if raw[at] >= PROCESSORS]
    of_all, of_raw = (statistics.median(rates[at] for at in both) for rates in (ours, raw))
    said = f"{of_all:.3f}, raw's own {of_raw:.3f}"
    if not counted:
        return None, f"{said}, so there are no two processors"
    return statistics.median(counted), f"{said}; {len(counted)} of {len(both)} repetitions count"


def worst_second(same):
    """Over the median of all, in the worst of the runs; None where none has as many as tell."""
    logs = [c["log"] for c in same if len(c["log"]) > 2]
    return min(min(log) / (statistics.median(log) or 1) for log in logs) if logs else None


def bounds(same):
    """[(what, measured or None, bound, whether at least, remark)...]"""
    def over_raw(job, what=cells.rate, disk="bandwidth"):
        return pairs(same, (disk, job, OURS), (disk, job, cells.RAW), what)

    def bound(name, measured, least):
        return name, measured[0], least, True, measured[1]

    found = [
        ("bandwidth: backing bandwidth of random 4 KiB writes over raw's of sequential 1 MiB writes",
         pairs(same, ("bandwidth", "random-write-32", OURS), ("bandwidth", "seq-write-1m", cells.RAW), backing_rate),
         0.98, True, ""),
        bound("bandwidth: user bytes per byte of data frames (without index, manifests and records), long random overwrite",
              long_run(same, per_frame_byte), 0.93),
        bound("bandwidth: user bytes per byte of all that is written, long random overwrite",
              long_run(same, per_backing_byte), 0.93),
        ("bandwidth: sequential 1 MiB writes over raw's", over_raw("seq-write-1m"), 0.98, True, ""),
        ("bandwidth: random 4 KiB reads over raw's", over_raw("random-read-32"), 0.98, True, ""),
        ("bandwidth: sequential 1 MiB reads over raw's", over_raw("seq-read-1m"), 0.98, True, ""),
        ("latency: median of a durable 4 KiB write over raw's", over_raw("durable-write", median_latency, "latency"),
         1.1, False, ""),
        bound("latency: commits of 16 writers over those of one", writers(same), WRITERS),
        bound("brd: what a second job on a processor of its own gains over what raw gains, random 4 KiB reads",
              processors(same, "random-read-32"), 0.9),
        bound("brd: what a second job on a processor of its own gains over what raw gains, random 4 KiB writes",
              processors(same, "random-write-32"), 0.8),
        ("15 % of spare: backing bandwidth in steady state over raw's",
         pairs(same, ("bandwidth", "steady-spare15", OURS), ("bandwidth", "steady-spare15", cells.RAW),
               lambda c: c["backing"]["written"] / c["seconds"]), 0.9, True, ""),
        ("15 % of spare: the same with what is read, which shares it",
         pairs(same, ("bandwidth", "steady-spare15", OURS), ("bandwidth", "steady-spare15", cells.RAW),
               lambda c: (c["backing"]["written"] + c["backing"]["read"]) / c["seconds"]), 0.9, True, ""),
        ("15 % of spare: worst second of all repetitions over its run's median",
         worst_second(same.get(("bandwidth", "steady-spare15", OURS), [])), 0.5, True, ""),
    ]
    for peer in PEERS:
        found += [(f"latency: {job} over {peer}",
                   pairs(same, ("latency", job, OURS), ("latency", job, peer), cells.rate), 1, True, "")
                  for job in WAITING_JOBS if ("latency", job, peer) in same]
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
            verdict = "reached" if good else "**missed**"
            yield [what, f"{value:.3f}", limit, verdict + (f"; {remark}" if remark else "")]
    for what, why in OTHERS:
        yield [what, "", "", why]
