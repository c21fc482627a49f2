# SPDX-License-Identifier: GPL-2.0-only
"""The verdict on a device after a crash: is what it holds allowed?

Input: what tools/vm/powercut_load.c recorded, which of its requests were certainly
acknowledged before the crash, and the device's contents after it.  The
contents must be the result of a prefix of some total order of all requests in which
one acknowledged before another was submitted comes first, and the prefix
must hold all that was acknowledged before an acknowledged flush was submitted,
and every acknowledged FUA write.

How: each block says which request it is from (zeros are from a discard, or from
nobody).  A request is *in* when a block shows it, when the promises say so, or
when it was acknowledged before one that is in, or before a flush that
was acknowledged, was submitted.  Then

 - a block that shows v, and is touched by a request w that is in, says that w
   comes before v; when v was acknowledged before w was submitted, w is not
   there, or only in part;
 - all those "before" together with the order of acknowledgement must have no
   cycle.

Never a false alarm: each conclusion follows from what was recorded.  Where zeros
could be from several discards, nothing is concluded but that one of them fits.
"""

import heapq
import struct
import zlib
from collections import namedtuple

SECTOR = 512
SECTOR_MAGIC = 0x6b6c626472616873
RECORD_MAGIC = 0x746e657664726873
BEGIN, WRITE, WRITE_FUA, DISCARD_SUBMIT, DISCARD, FLUSH, END, COUNTERS = range(1, 9)
NEVER = 1 << 62
HEAD = struct.Struct("<QQQQQIIII")
RECORD = struct.Struct("<QQQQQQIIII")
SCRIBBLE_WRITE = 8
PLACES = bytes((at * 2654435761 & 0xffffffff) >> 28 for at in range(SCRIBBLE_WRITE * 4096))
LOWER_HALF = bytes(value & 15 for value in range(256))
Record = namedtuple("Record", "run request submit ack first nr kind block_size")


class Request:
    """One request of the workload."""
    __slots__ = ("id", "kind", "submit", "ack", "first", "nr")

    def __init__(self, ident, kind, submit, ack, first, nr):
        self.id, self.kind, self.submit, self.ack = ident, kind, submit, ack
        self.first, self.nr = first, nr

    def __repr__(self):
        name = {WRITE: "write", WRITE_FUA: "FUA write", DISCARD: "discard", FLUSH: "flush"}[self.kind]
        return f"{name} {self.id} (blocks {self.first}+{self.nr})"

    def touches(self, block):
        """Whether it writes or discards the block."""
        return self.first <= block < self.first + self.nr


def zeroed_crc(data, at):
    """CRC-32 of a sector with its own field taken as zero."""
    return zlib.crc32(data[at + 4:], zlib.crc32(b"\0\0\0\0", zlib.crc32(data[:at])))


def parse_record(data):
    """A record of the event device, or None."""
    magic, run, request, submit, ack, first, nr, kind, block_size, crc = RECORD.unpack_from(data)
    if magic != RECORD_MAGIC or zeroed_crc(data, 60) != crc:
        return None
    return Record(run, request, submit, ack, first, nr, kind, block_size)


def scribbled(data, number, block_size):
    """Whether a sector of the region of changing buffers may hold this.

    Each byte's lower half says where in the buffer it was, which is written at
    multiples of its size.  A sector never written is zeros.
    """
    at = number * SECTOR % (SCRIBBLE_WRITE * block_size)
    return data.translate(LOWER_HALF) == PLACES[at:at + len(data)] or not any(data)


class History:
    """All that was recorded: requests, and the place of each acknowledgement."""

    def __init__(self, records):
        """records: (place, Record), the place growing with time."""
        self.requests = {}
        self.acked_at = {}
        # (place, extents reclaimed, merges made) by then
        self.counters = []
        self.begin = self.end = None
        self.run = None
        for place, rec in records:
            if rec.kind == BEGIN:
                self.begin, self.run = place, rec.run
                self.block_size, self.region, self.scribble = rec.block_size, rec.first, rec.nr
            elif rec.kind == END:
                self.end = place
            elif rec.kind == COUNTERS:
                self.counters.append((place, rec.submit, rec.ack))
            else:
                done = rec.kind != DISCARD_SUBMIT
                kind = DISCARD if rec.kind == DISCARD_SUBMIT else rec.kind
                ack = rec.ack if done else NEVER
                if done or rec.request not in self.requests:
                    self.requests[rec.request] = Request(rec.request, kind, rec.submit, ack,
                                                         rec.first, rec.nr)
                if done:
                    self.acked_at[rec.request] = place
        if self.begin is None:
            raise ValueError("no record of a beginning")

    def acked_before(self, place):
        """The requests certainly acknowledged before that place."""
        return {i for i, at in self.acked_at.items() if at < place}


    def busy_from(self, reclaimed, merges):
        """The place from which on so much was reclaimed and merged; None if never."""
        return next((at for at, r, m in self.counters if r >= reclaimed and m >= merges), None)


class Verdict:
    """Judges one image.  violations is empty when it is allowed."""

    def __init__(self, history, acked, raw=False):
        """raw: the device promises no atomicity and no order, as a bare disk."""
        self.history, self.acked, self.raw = history, acked, raw
        self.requests = dict(history.requests)
        self.violations = []
        self.unit = SECTOR if raw else history.block_size
        self.per_block = history.block_size // self.unit

    def complain(self, text):
        """A violation."""
        self.violations.append(text)

    def parse_unit(self, data, number):
        """The request that a block (raw: a sector) shows; None for zeros, False for neither."""
        block, part = divmod(number, self.per_block)
        seen = None
        for i in range(len(data) // SECTOR):
            sector = data[i * SECTOR:(i + 1) * SECTOR]
            magic, run, request, submit, first, nr, index, sub, crc = HEAD.unpack_from(sector)
            if (magic, run) != (SECTOR_MAGIC, self.history.run) or zeroed_crc(sector, 52) != crc:
                self.complain(f"block {block} sector {i}: holds what was never written"
                              f"{' (zeros)' if not any(sector) else ''}")
                return False
            if first + index != block or sub != (part if self.raw else i):
                self.complain(f"block {block} sector {i}: holds block {first + index} sector {sub}")
                return False
            if seen not in (None, request):
                self.complain(f"block {block}: torn between requests {seen} and {request}")
                return False
            seen = request
            known = self.requests.get(request)
            if known is None:
                # In flight at the crash, so never recorded.
                known = self.requests[request] = Request(request, WRITE, submit, NEVER, first, nr)
            if (known.submit, known.first, known.nr) != (submit, first, nr):
                self.complain(f"block {block}: does not agree with the record of {known}")
                return False
        return seen

    def read(self, file):
        """What each unit shows."""
        shown = []
        zeros = bytes(self.unit)
        for number in range(self.history.region * self.per_block):
            data = file.read(self.unit)
            if len(data) != self.unit:
                self.complain("the device is shorter than the region")
                return None
            shown.append(None if data == zeros else self.parse_unit(data, number))
        for number in range(self.history.scribble * self.history.block_size // SECTOR):
            data = file.read(SECTOR)
            if not self.raw and not scribbled(data, number, self.history.block_size):
                self.complain(f"changing buffers: sector {number} holds what was never written")
        return shown

    def included(self, extra):
        """The requests that must be in the prefix."""
        known = {i for i in self.acked
                 if self.requests[i].kind in (FLUSH, WRITE_FUA)} | extra
        latest = max((self.requests[i].submit for i in known), default=0)
        inside = {i for i, r in self.requests.items() if r.ack < latest and r.kind != FLUSH}
        return inside | {i for i in known if self.requests[i].kind != FLUSH}

    def covered_raw(self):
        """What a bare disk owes: acknowledged before an acknowledged flush, and FUA."""
        latest = max((self.requests[i].submit for i in self.acked
                      if self.requests[i].kind == FLUSH), default=0)
        return {i for i in self.acked if self.requests[i].kind == WRITE_FUA or
                (self.requests[i].kind != FLUSH and self.requests[i].ack < latest)}

    def touching(self, inside):
        """For each block, the requests of a set that touch it."""
        table = [[] for _ in range(self.history.region)]
        for i in inside:
            req = self.requests[i]
            for block in range(req.first, req.first + req.nr):
                table[block].append(req)
        return table

    def zero_source(self, block, writers, discards):
        """The discard that made a block zeros: one, None if open, False if none fits."""
        if all(w.kind == DISCARD for w in writers):
            return None
        fits = [d for d in discards[block]
                if not any(d.ack < w.submit for w in writers if w is not d)]
        if not fits:
            return False
        return fits[0] if len(fits) == 1 else None

    def judge_units(self, shown, inside, discards):
        """Edges (earlier, later), and discards found to be in; complains."""
        writers_of = self.touching(inside)
        edges = set()
        found = set()
        wrong = []
        for number, value in enumerate(shown):
            block = number // self.per_block
            writers = writers_of[block]
            if value is False or not writers:
                continue
            if value is None:
                last = self.zero_source(block, writers, discards)
                if last is False:
                    writer = max((w for w in writers if w.kind != DISCARD), key=lambda r: r.submit)
                    wrong.append(f"block {block}: zeros, although {writer} is in")
                    continue
                if last is None:
                    continue
                found.add(last.id)
            else:
                last = self.requests[value]
            for w in writers:
                if w is last:
                    continue
                if last.ack < w.submit:
                    wrong.append(f"block {block}: shows {last}, although {w} is in, later")
                else:
                    edges.add((w.id, last.id))
        return edges, found, wrong

    def check_cycles(self, inside, edges):
        """Whether some total order fits them all."""
        waiting = dict.fromkeys(inside, 0)
        after = {}
        for a, b in edges:
            if a in waiting and b in waiting:
                waiting[b] += 1
                after.setdefault(a, []).append(b)
        acks = [(self.requests[i].ack, i) for i in inside]
        heapq.heapify(acks)
        ready = [(self.requests[i].submit, i) for i, n in waiting.items() if n == 0]
        heapq.heapify(ready)
        done = set()
        while ready:
            while acks and acks[0][1] in done:
                heapq.heappop(acks)
            submit, i = heapq.heappop(ready)
            if acks and acks[0][0] < submit:
                # All that wait for nobody wait for one that waits for another.
                break
            done.add(i)
            for j in after.get(i, ()):
                waiting[j] -= 1
                if waiting[j] == 0:
                    heapq.heappush(ready, (self.requests[j].submit, j))
        left = [self.requests[i] for i in inside - done]
        if left:
            left.sort(key=lambda r: r.submit)
            self.complain(f"no order of requests gives this: {left[:4]} ... ({len(left)} requests)")

    def judge(self, file):
        """Judge the contents of an open file; returns the violations."""
        shown = self.read(file)
        if shown is None:
            return self.violations
        discards = self.touching([i for i, r in self.requests.items() if r.kind == DISCARD])
        if self.raw:
            # A torn or half-written block is a bare disk's right.
            _, _, wrong = self.judge_units(shown, self.covered_raw(), discards)
            self.violations += wrong
            return self.violations
        extra = {v for v in shown if v not in (None, False)}
        while True:
            inside = self.included(extra)
            edges, found, wrong = self.judge_units(shown, inside, discards)
            if found <= inside or wrong:
                break
            extra |= found
        self.violations += wrong
        if not wrong:
            self.check_cycles(inside, edges)
        return self.violations
