# SPDX-License-Identifier: GPL-2.0-only
"""Cells of tools/bench/compare: what one says, and what many say together.

A cell is one run of a job through a stack on a backing disk.  It is compared with
the raw disk's cell of the same repetition, and with no other: both are of one boot
of one VM, a minute from each other.
"""
import fnmatch
import json
import re
import statistics

RAW = "raw"
OURS = "shardblk"
TICK = 100      # of /proc/stat, per second
SECTOR = 512
PERCENTILES = ("50.000000", "99.000000", "99.900000")


class Apart(Exception):
    """Two cells that must not be compared."""


def disk(line):
    """The counters of /sys/block/NAME/stat that are of use."""
    words = [int(word) for word in line.split()]
    return {"reads": words[0], "read": words[2] * SECTOR, "writes": words[4], "written": words[6] * SECTOR,
            "flushes": words[15] if len(words) > 15 else 0}


def minus(after, before):
    """What was counted in between."""
    return {key: after[key] - before.get(key, 0) for key in after}


def busy(line):
    """CPU seconds that were spent, of a first line of /proc/stat."""
    user, nice, system, _, _, irq, softirq, steal = (int(word) for word in line.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICK


def facts(text):
    """Of the guest's lines: {word: rest}, and the counters of shardblk before and after."""
    found, counters = {}, {"before": {}, "after": {}}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word.endswith("-stat"):
            name, _, value = rest.partition(":")
            if value.strip().isdigit():
                counters[word[:-5]][name] = int(value)
        else:
            found.setdefault(word, rest)
    return found, counters


def latencies(kinds):
    """{percentile: ns} of requests; a durable write is a write and its flush."""
    parts = [kind["percentile"] for kind in kinds if "percentile" in kind]
    return {key: sum(part.get(key, 0) for part in parts) for key in parts[0]} if parts else {}


def report(text):
    """fio's, without its remarks, and only what is of use."""
    job, = json.loads(text[text.index("{"):])["jobs"]
    if job["error"]:
        raise ValueError(f"fio: error {job['error']}")
    read, write, sync = job["read"], job["write"], job["sync"]
    synced = sync["total_ios"] and write["total_ios"]
    main = write if write["total_ios"] else read
    kinds = [main["clat_ns"]] + ([sync["lat_ns"]] if synced else [])
    return {"ops": read["total_ios"] + write["total_ios"], "user_read": read["io_bytes"],
            "user_written": write["io_bytes"], "fsyncs": sync["total_ios"],
            "seconds": max(read["runtime"], write["runtime"], 1) / 1e3, "latency": latencies(kinds)}


def by_second(log, seconds):
    """Bytes of each second of a run, of fio's log of bandwidth; without the last one, which may be half of one.

    The log has no line for a second without a byte: its lines are further apart then.
    """
    found, last = [], 0.0
    lines = [(int(time) / 1e3, int(rate) * 1024) for time, rate in re.findall(r"^(\d+), *(\d+),", log, re.M)]
    for time, rate in lines + [(seconds, 0)] if lines else []:
        apart = round(time - last)
        found += [0] * (apart - 1) + [rate] * min(apart, 1)
        last = time
    return found[:-1]


def parse(text):
    """A cell as the guest wrote it; {"failed": why} if it came to nothing."""
    head, rest = text.split("\nfio\n", 1)
    body, log = ("\n" + rest).rsplit("\nlog\n", 1)
    said, counters = facts(head)
    rep, job, stack = said["cell"].split()
    cell = {"boot": said["boot"], "rep": int(rep), "job": job, "stack": stack}
    if "failed" in said or "after-disk" not in said:
        cell["failed"] = said.get("failed", "no end")
        return cell
    if "transactions" in said:
        number, begin, end = (float(word) for word in said["transactions"].split())
        cell.update(ops=number, fsyncs=0, user_read=0, user_written=0, seconds=end - begin, latency={})
    else:
        cell.update(report(body))
    before, after = disk(said["before-disk"]), disk(said["after-disk"])
    cell["backing"] = minus(after, before)
    cell["left"] = minus(disk(said["down-disk"]), after)
    cell["cpu"] = busy(said["after-cpu"]) - busy(said["before-cpu"])
    cell["counters"] = minus(counters["after"], counters["before"])
    cell["log"] = by_second(log, cell["seconds"])
    return cell


def rate(cell):
    """Requests, files or transactions per second."""
    return cell["ops"] / cell["seconds"]


def ratio(cell, raw):
    """Of a cell to the raw disk's."""
    for key in ("boot", "disk", "job", "rep"):
        if cell[key] != raw[key]:
            raise Apart(f"{key}: {cell[key]} and {raw[key]}")
    if raw["stack"] != RAW:
        raise Apart(f"{raw['stack']} is not the raw disk")
    return rate(cell) / rate(raw)


def spread(values):
    """(median, least, most)."""
    return (statistics.median(values), min(values), max(values)) if values else None


def of_plan(cell):
    """Which item of a plan it is."""
    return cell["disk"], cell["rep"], cell["job"], cell["stack"]


def usable(cells):
    """Without those that failed."""
    return [cell for cell in cells if "failed" not in cell]


def ratios(cells):
    """{(disk, job, stack): [ratio...]}, a repetition each, of those that have raw's beside it."""
    raws = {(c["boot"], c["disk"], c["job"], c["rep"]): c for c in usable(cells) if c["stack"] == RAW}
    found = {}
    for cell in usable(cells):
        raw = raws.get((cell["boot"], cell["disk"], cell["job"], cell["rep"]))
        if raw:
            found.setdefault((cell["disk"], cell["job"], cell["stack"]), []).append(ratio(cell, raw))
    return found


def per(number, of):
    """A quotient, or None."""
    return number / of if of else None


def costs(cell):
    """Backing bytes per user byte, flushes per fsync and so on; None where there is no such thing."""
    user = cell["user_read"] + cell["user_written"]
    backing = cell["backing"]
    # A ramdisk does not count what it is asked for.
    counted = any(backing.values())
    return {
        "written": per(backing["written"], counted and cell["user_written"]),
        "left": per(backing["written"] + cell["left"]["written"], counted and cell["user_written"]),
        "read": per(backing["read"], counted and user),
        "flushes": per(backing["flushes"], counted and cell["fsyncs"]),
        "cpu": cell["cpu"] / cell["ops"],
        **{"p" + key.rstrip("0").rstrip("."): cell["latency"].get(key) for key in PERCENTILES},
        "iops": rate(cell),
        "bandwidth": user / cell["seconds"] if user else None,
    }


def by_cell(cells):
    """{(disk, job, stack): [cell...]}."""
    found = {}
    for cell in usable(cells):
        found.setdefault((cell["disk"], cell["job"], cell["stack"]), []).append(cell)
    return found


def median_costs(same):
    """The median of each cost over the repetitions of a cell."""
    all_of = [costs(cell) for cell in same]
    return {key: statistics.median([one[key] for one in all_of]) if None not in [one[key] for one in all_of]
            else None for key in all_of[0]}


def wanted(item, only):
    """Whether one of the patterns STACK/JOB/DISK, with commas between, asks for it; an empty one does not."""
    disk, _, job, stack = item
    for pattern in filter(None, only.split(",")):
        parts = (pattern.split("/") + ["", ""])[:3]
        if all(fnmatch.fnmatch(name, part or "*") for name, part in zip((stack, job, disk), parts)):
            return True
    return False


def beside(plan, asked):
    """What is asked for of a plan, with the raw disk and shardblk, which others are compared with, of the same."""
    alone = {item[:3] for item in asked}
    return [item for item in plan if item in asked or item[3] in (RAW, OURS) and item[:3] in alone]


def lacking(plan, cells):
    """What of a plan [(disk, rep, job, stack)...] is not there, with all that must be of one boot with it.

    What has failed once is tried again.  Where the raw disk or shardblk is missing, what
    is there of others has nothing to be compared with, and is done again.
    """
    failed = [of_plan(cell) for cell in cells if "failed" in cell]
    there = {of_plan(cell) for cell in usable(cells)}
    missing = {item for item in plan if item not in there and failed.count(item) < 2}
    again = {item[:3] for item in missing if item[3] in (RAW, OURS)}
    return beside(plan, missing | {item for item in plan if item[:3] in again})


def failures(plan, cells):
    """What of a plan was tried and did not work."""
    there = {of_plan(cell) for cell in usable(cells)}
    failed = {of_plan(cell) for cell in cells if "failed" in cell}
    return [item for item in plan if item in failed and item not in there]
