# SPDX-License-Identifier: GPL-2.0-only
"""Reads the tables of mutants; see there."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE, PINS = os.path.join(HERE, "table"), os.path.join(HERE, "pins")
HEAD = re.compile(r"^([A-Z]\d\d?_[A-Z0-9_]+): (.+)$")


class Edit:
    """Lines of a file, and what replaces them."""

    def __init__(self, file):
        self.file = file
        self.old = []
        self.new = []


class Mutant:
    """A fault that can be switched on."""

    def __init__(self, name, what):
        self.name = name
        self.what = what
        self.edits = []


def read_table(path=TABLE):
    """[Mutant], in the order of the table."""
    mutants, edit = [], None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            head = HEAD.match(line)
            if line.startswith("#") or not line:
                edit = None
            elif head:
                mutants.append(Mutant(*head.groups()))
            elif line.endswith((".c", ".h")) and mutants:
                edit = Edit(line)
                mutants[-1].edits.append(edit)
            elif edit and line[0] == "-":
                edit.old.append(line[1:])
            elif edit and line[0] == "+":
                edit.new.append(re.sub(r"\bMUTANT\b", f"SHARD_MUTANT({mutants[-1].name})",
                                       line[1:]))
            else:
                sys.exit(f"{path}:{number}: cannot read: {line}")
    return mutants


def read_all():
    """Those of both tables that user space asks about."""
    return read_table(TABLE) + read_table(PINS)
