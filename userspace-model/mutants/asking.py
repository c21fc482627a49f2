# SPDX-License-Identifier: GPL-2.0-only
"""Asks suites of the checker about a mutant.

Seconds are of CPU time: others may use the machine.
"""
import glob
import math
import os
import re
import resource
import signal
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REGRESSIONS = "userspace-model/check/regressions/*.repro"
# Reasons why nobody could notice that a lock, or a pin, is left out.
UNLOCKED = os.path.join(TOP, "userspace-model", "mutants", "unlocked")

# Histories of the whole device, of all the engine's layers.
HISTORIES = ["device", "faults", "swarm", "swarm-faults"]
# The same beside each other.
RACES = ["race", "race-jobs", "race-faults", "control", "control-faults"]
# Whose failures shrink to histories of one layer, or on the model of one.
LAYERS = ["extent", "index", "chunk", "mock-extent", "mock-chunk", "mock-index"]

HANG_SECONDS = 5			# of a history, or
HANG_ONCE_SECONDS = 18			# of a suite that has one run
KUNIT = "kunit"
PAIRS = "pairs"
KUNIT_SCHEDULES = 1			# at random, beside the simplest

ENDED = "the process ended with"
ASSERTION = "assertion at "
FAILURE = re.compile(r"^([\w-]+):(?: seed )?(0x[0-9a-f]+|0): (.*)")
SHRUNK = re.compile(r"^shrunk from (\d+) to (\d+) operations")
RANGE = re.compile(r"^write (\d+)(?:\.\.(\d+))?$")
# Who waits, or ends: most of a schedule's table.
TURN = re.compile(r"^[^:]*: (?:waits in |ends$)")
ROW = re.compile(r"^ *(\d*) \| ([^|]*?)(?: \| (.*))?$")


class Asked:
    """What came of asking one suite."""

    def __init__(self, suite):
        self.suite = suite
        self.noticed = False
        self.runs = 0			# 0: the process ended, and who knows in which
        self.seconds = 0.0
        self.seed = 0
        self.why = ""


class Witness:
    """A history that shows a mutant, shrunk."""

    def __init__(self, suite, before, ops, crashes, words, seconds):
        self.suite = suite
        self.before = before		# operations, as it was found
        self.ops = ops
        self.crashes = crashes
        self.words = words
        self.seconds = seconds


class Checker:
    """The checker with the mutants in it (build/mutants/shardsim)."""

    def __init__(self, path):
        self.path = os.path.abspath(path)

    def start(self, name, seconds, *args, path=None, cwd=TOP, assertions=False, alone=False):
        """Start it with a mutant; after so much CPU time it gets SIGXCPU.

        If alone it is the leader of a group, as are those that it starts.
        """
        env = dict(os.environ, MUTANT=name)
        if assertions:
            env["MUTANT_ASSERT"] = "1"
        process = subprocess.Popen([path or self.path, *map(str, args)], cwd=cwd, env=env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=alone)
        limit = max(1, math.ceil(seconds))
        # at the hard limit it would be SIGKILL
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (limit, limit + 5))
        return process

    def suites(self):
        """{suite of the checker: seeds that `make check` asks}"""
        text = subprocess.run([self.path, "list"], check=True, capture_output=True,
                              text=True).stdout
        return {name: int(count) for name, count, *_ in map(str.split, text.splitlines())}

    def ask(self, name, suite, first, count, seconds, *options, assertions=False):
        """Run some seeds of a suite until one fails."""
        asked = Asked(suite)
        hang = HANG_SECONDS if count > 1 else HANG_ONCE_SECONDS
        options = (*options, f"--hang={hang}")
        process = self.start(name, seconds, "run", *options, suite, first, count,
                             assertions=assertions)
        ended = False
        for line in lines(process):
            failure = FAILURE.match(line)
            if failure:
                asked.noticed = True
                asked.seed = int(failure[2], 16)
                asked.runs = asked.seed - first + 1
                asked.why = failure[3]
                os.kill(process.pid, signal.SIGKILL)
                break
            ended = line.startswith(f"{suite}: ")
        code, asked.seconds = end(process)
        if not asked.noticed and code != -signal.SIGXCPU and (code or not ended):
            asked.noticed = True
            asked.why = f"{ENDED} {code}"
            asked.runs = 1 if count == 1 else 0
        elif not asked.noticed:
            asked.runs = count
        return asked

    def ask_surely(self, name, suite, first, count, seconds):
        """The same; a process that ended without a word has to do so twice."""
        asked = self.ask(name, suite, first, count, seconds)
        if asked.noticed and asked.why.startswith(ENDED):
            asked = self.ask(name, suite, first, count, seconds)
        return asked

    def ask_assertions(self, name, suite, count, seconds):
        """Run seeds until an assertion of the engine fails; other failures are passed over."""
        total = Asked(suite)
        first = 0
        while first < count and total.seconds < seconds:
            asked = self.ask(name, suite, first, count - first, seconds - total.seconds,
                             assertions=True)
            total.seconds += asked.seconds
            total.runs = first + asked.runs
            if asked.noticed and asked.why.startswith(ASSERTION):
                total.noticed, total.why = True, asked.why
            if total.noticed or not asked.noticed or not asked.runs:
                break
            first += asked.runs
        return total

    def ask_regressions(self, name, seconds):
        """Replay the histories that are kept, until one fails."""
        asked = Asked("regressions")
        for path in sorted(glob.glob(os.path.join(TOP, REGRESSIONS))):
            process = self.start(name, seconds, "replay", path)
            for _ in lines(process):
                pass
            code, spent = end(process)
            asked.seconds += spent
            asked.runs += 1
            if code:
                asked.noticed = True
                asked.why = os.path.basename(path)
                break
        return asked

    def ask_kunit(self, name, seconds):
        """Run the KUnit suites of the engine."""
        asked = Asked(KUNIT)
        asked.runs = 1
        process = self.start(name, seconds, "-s", KUNIT_SCHEDULES,
                             path=self.path.replace("shardsim", "kunit-user"))
        failed = [line for line in lines(process) if re.match(" *not ok|.*: the process died", line)]
        code, asked.seconds = end(process)
        if code and code != -signal.SIGXCPU:
            asked.noticed = True
            asked.why = failed[0].strip() if failed else f"{ENDED} {code}"
        return asked

    def ask_pairs(self, name, seconds):
        """Run the pairs of users as `make pairs` does, until a schedule fails."""
        asked = Asked(PAIRS)
        asked.runs = 1
        process = self.start(name, seconds, PAIRS, "--jobs=1", 1, alone=True)
        for line in lines(process):
            if line.startswith("pairs:"):
                asked.noticed = True
                asked.why = line
                os.killpg(process.pid, signal.SIGKILL)
                break
        _, asked.seconds = end(process)
        return asked

    def shrink(self, name, asked, where, seconds):
        """Shrink a failure.  Return: its Witness, or None."""
        os.makedirs(where, exist_ok=True)
        process = self.start(name, seconds, "replay", f"{asked.suite}:{asked.seed:#x}",
                             cwd=where)
        text = list(lines(process))
        _, spent = end(process)
        with open(os.path.join(where, asked.suite + ".txt"), "w", encoding="utf-8") as file:
            file.write("\n".join(text) + "\n")
        shrunk = next((m for m in map(SHRUNK.match, text) if m), None)
        if not shrunk:
            return None
        crashes, words = words_of(text)
        return Witness(asked.suite, int(shrunk[1]), int(shrunk[2]), crashes, words, spent)


def lines(process):
    """The lines that it prints, as they come."""
    for line in process.stdout:
        yield line.decode(errors="replace").rstrip("\n")


def end(process):
    """(exit code, seconds of CPU time) of a process that has ended, or is being killed"""
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


def words_of(text):
    """(crashes, words) of the history that a replay prints: what was done, in order."""
    words, crashes, filled = [], 0, -1
    rows = text[max((i for i, line in enumerate(text) if line.startswith("------+")),
                    default=len(text)) + 1:]
    for row in map(ROW.match, rows):
        what = " ".join(row[2].split()) if row else ""
        part = RANGE.match(what)
        if part and int(part[1]) == filled:		# one request of those that fill
            filled = int(part[2] or part[1]) + 1
            continue
        filled = 0 if what == "fill" else filled
        if what.startswith("*** "):
            crashes += 1
            words.append(what[4:])
        elif TURN.search(what):		# of these only who was preempted, and where
            continue
        elif what and not what.startswith(("disk of", "log:", "start", "stop", "open returned",
                                           "read", "===")) or what.startswith("reads"):
            words.append(what)
    return crashes, ", ".join(words)


def read_reasons(path):
    """{what: why} of a file of lines, each with its reason below, indented"""
    reasons, key = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("\t") and key:
                reasons[key] = f"{reasons[key]} {line.strip()}".strip()
            elif line.strip() and not line.startswith("#"):
                key = line.rstrip("\n")
                reasons[key] = ""
    return reasons
