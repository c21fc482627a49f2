# SPDX-License-Identifier: GPL-2.0-only
"""The write log of a virtual disk, and the crash images that it allows.

QEMU's blklogwrites driver writes the format of dm-log-writes: a super block, then
for each request an entry sector and, unless it is a discard, the data.  What
its order means (block/blklogwrites.c): a request is first carried out on the
file, then given its place in the log, then written to the log, and only then
completed to the guest.  So

 - what was completed to the guest before a request was submitted lies before
   that request in the log; in particular all that a flush covers lies before
   the flush's entry;
 - what lies before an entry had been submitted when that entry got its place.

A power cut *at* position P is one between the moment in which entry P - 1 got
its place and the moment in which the guest learned of the first entry from P on
that makes anything durable (a flush, or a write with FUA).  In such a cut

 - all before the last flush entry before P may be taken as durable: a disk may
   always keep more than it promised, so this is never too strict a disk;
 - so is a FUA write before P;
 - any other write or discard before P may be there, lost, or torn at 512 bytes;
 - all from P on may be lost: nothing that the guest knew had made it durable.

Whatever the guest did (told us by a write on the same disk) before that first
durable-making entry was done before the cut: its entry's number is smaller.

QEMU leaves out a flush when nothing was written since the one before, and turns
FUA on SCSI into a write followed by a flush, both of which suit this.  Its nvme
device ignores FUA, so the log cannot show it: the guest's kernel tells us which
writes had it (see mark_fua).  On a disk without a write cache every write is
durable once it is completed, so every one counts as FUA (mark_all_fua); there a cut
tears or loses only what was in flight.
"""

import mmap
import os
import struct

MAGIC = 0x6a736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
SECTOR = 512
CHUNK = 65536


class Entry:
    """One request: its sectors, flags, and where its data lies in the log."""
    __slots__ = ("sector", "nr", "flags", "data")

    def __init__(self, sector, nr, flags, data):
        self.sector, self.nr, self.flags, self.data = sector, nr, flags, data


class WriteLog:
    """A parsed log."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, version, nr_entries, size = struct.unpack_from("<QQQI", self.map, 0)
        if magic != MAGIC or version != 1 or size != SECTOR:
            raise ValueError(f"{path}: not a write log of 512-byte sectors")
        self.entries = []
        pos = SECTOR
        for _ in range(nr_entries):
            sector, nr, flags, _ = struct.unpack_from("<QQQQ", self.map, pos)
            pos += SECTOR
            if flags & ~(FLUSH | FUA | DISCARD | MARK):
                raise ValueError(f"{path}: unknown flags {flags:#x}")
            self.entries.append(Entry(sector, nr, flags, pos))
            if not flags & DISCARD:
                pos += nr * SECTOR

    def data(self, entry):
        """What a write wrote."""
        return self.map[entry.data:entry.data + entry.nr * SECTOR]

    def mark_fua(self, completions):
        """Mark the entries that the guest wrote with FUA.

        completions: (sector, nr, fua) of each write in the order in which the
        guest saw them complete.  A sector is never written twice at once, so
        writes to the same place are in the same order on both sides.
        """
        places = {}
        for sector, nr, fua in completions:
            places.setdefault((sector, nr), []).append(fua)
        marked = 0
        # The guest may have traced only the later ones.
        for entry in reversed(self.entries):
            if entry.flags & (FLUSH | DISCARD):
                continue
            fuas = places.get((entry.sector, entry.nr))
            if fuas and fuas.pop():
                entry.flags |= FUA
                marked += 1
        unknown = sum(1 for fuas in places.values() for fua in fuas if fua)
        if unknown:
            raise ValueError(f"{unknown} FUA writes of the guest are not in the log")
        return marked

    def mark_all_fua(self):
        """The disk has no volatile cache."""
        for entry in self.entries:
            if not entry.flags & FLUSH:
                entry.flags |= FUA

    def horizon(self, cut):
        """First entry from cut on that makes anything durable."""
        for i in range(cut, len(self.entries)):
            if self.entries[i].flags & (FLUSH | FUA):
                return i
        return len(self.entries)


class Crasher:
    """Crash images of one partition of the disk, at growing positions."""

    def __init__(self, log, start, sectors):
        self.log, self.start, self.sectors = log, start, sectors
        self.disk = bytearray(sectors * SECTOR)
        self.touched = set()
        self.applied = 0

    def clip(self, entry):
        """(offset in the partition, offset in the data, length), in sectors."""
        first = max(entry.sector, self.start)
        end = min(entry.sector + entry.nr, self.start + self.sectors)
        return first - self.start, first - entry.sector, max(0, end - first)

    def apply_durable(self, upto):
        """Apply all before that entry for good."""
        for i in range(self.applied, upto):
            entry = self.log.entries[i]
            to, skip, nr = self.clip(entry)
            if nr <= 0:
                continue
            at, length = to * SECTOR, nr * SECTOR
            if entry.flags & DISCARD:
                self.disk[at:at + length] = bytes(length)
            else:
                src = entry.data + skip * SECTOR
                self.disk[at:at + length] = self.log.map[src:src + length]
            self.touched.update(range(at // CHUNK, (at + length - 1) // CHUNK + 1))
        self.applied = max(self.applied, upto)

    def build(self, path, cut, rng, ignore_flushes=0):
        """Write one image; returns how many writes it lost or tore.

        ignore_flushes: how many of the last flushes before the cut the disk
        pretended to have done.  Not 0 only for the control, which must fail.
        """
        flushes = [i for i in range(cut) if self.log.entries[i].flags & FLUSH]
        if ignore_flushes:
            flushes = flushes[:-ignore_flushes]
        durable = flushes[-1] if flushes else 0
        if durable < self.applied:
            raise ValueError("cuts must come in growing order")
        self.apply_durable(durable)
        with open(path, "wb") as file:
            file.truncate(len(self.disk))
            fd = file.fileno()
            for chunk in sorted(self.touched):
                os.pwrite(fd, memoryview(self.disk)[chunk * CHUNK:(chunk + 1) * CHUNK], chunk * CHUNK)
            return self.apply_cached(fd, durable, cut, rng, bool(ignore_flushes))

    def apply_cached(self, fd, durable, cut, rng, lying):
        """What of the disk's cache survived."""
        changed = 0
        # Sometimes nearly all is there, sometimes nearly nothing.
        keep, tear = rng.choice([(0.0, 0.0), (1.0, 0.0), (0.9, 0.05), (0.5, 0.1), (0.5, 0.5),
                                 (0.1, 0.1), (0.34, 0.33), (0.0, 1.0), (0.95, 0.05)])
        # The entry at the cut was in flight, and may be there wholly or in part.
        for i in range(durable, min(cut + 1, len(self.log.entries))):
            entry = self.log.entries[i]
            to, skip, nr = self.clip(entry)
            if nr <= 0 or entry.flags & FLUSH:
                continue
            whole = rng.random()
            if entry.flags & FUA and i < cut and not lying:
                whole = -1
            if entry.flags & DISCARD:
                if whole < keep:
                    os.pwrite(fd, bytes(nr * SECTOR), to * SECTOR)
                continue
            src = entry.data + skip * SECTOR
            data = self.log.map[src:src + nr * SECTOR]
            if whole < keep:
                os.pwrite(fd, data, to * SECTOR)
                continue
            changed += 1
            if whole < keep + tear:
                for k in range(nr):
                    if rng.random() < 0.5:
                        os.pwrite(fd, data[k * SECTOR:(k + 1) * SECTOR], (to + k) * SECTOR)
        return changed
