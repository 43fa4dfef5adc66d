#!/usr/bin/env python3
"""Plants the faults of faults.txt, one after the other, and says which tests find each.

    tests/mutants/run.py [--source DIR] [--only WORDS] [-- CMAKE ARGUMENTS]

One build holds all faults that show at run time: each stands beside what is right, and the environment says which one
is planted. Those that the compiler shows are compiled for. Takes about as long as building the tests twice, and is run by
hand: after a change in what is covered, no fault may be NOT FOUND. --source plants them in another checkout, to compare.
The table is also written to .build/mutants/found.txt of this one.
"""

import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SWITCH = """// Which fault is planted: in a constant expression the macro's, at run time the environment's.
#pragma once
#include <cstdlib>
#include <type_traits>
#ifndef ASHLAR_FAULT
#define ASHLAR_FAULT 0
#endif
inline int ashlar_fault_now() {
  static const int now = [] {
    const char* text = std::getenv("ASHLAR_FAULT");
    return text == nullptr ? 0 : std::atoi(text);
  }();
  return now;
}
constexpr bool ashlar_fault(int number) {
  if (std::is_constant_evaluated()) return ASHLAR_FAULT == number;
  return ashlar_fault_now() == number;
}
"""


class Fault:
    def __init__(self, number, block):
        self.number = number
        self.what, *lines = block
        fields = {"in": [], "by": [], "-": [], "+": []}
        for line in lines:
            key, _, text = line.partition(" ")
            if key not in fields:
                sys.exit(f"faults.txt: '{line}' begins with none of in, by, - and +")
            fields[key].append(text)
        self.file, = fields["in"]
        self.by, = fields["by"]
        self.right = "\n".join(fields["-"])
        self.wrong = "\n".join(fields["+"]).replace("FAULT", f"ashlar_fault({number})")
        self.compiled = self.by.startswith("compile ")


def read_faults():
    text = re.sub(r"(?m)^#.*\n", "", (HERE / "faults.txt").read_text())
    blocks = [block.splitlines() for block in re.split(r"\n\n+", text.strip())]
    return [Fault(i + 1, block) for i, block in enumerate(blocks)]


def copy_with(faults, source, tree):
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(source, tree, ignore=shutil.ignore_patterns(".git", ".build", ".deps", ".venv", "runs"))
    (tree / "include/ashlar/fault.hpp").write_text(SWITCH)
    for fault in faults:
        file = tree / fault.file
        text = file.read_text()
        if text.count(fault.right) != 1:
            sys.exit(f"'{fault.what}' stands {text.count(fault.right)} times in {fault.file}, and not once: {fault.right}")
        text = text.replace(fault.right, fault.wrong)
        include = "#include <ashlar/fault.hpp>\n"
        if include not in text:
            text = text.replace("#pragma once\n", "#pragma once\n" + include, 1) if file.suffix == ".hpp" else include + text
        file.write_text(text)


def build(tree, arguments):
    tests = tree / ".build/tests"
    log = open(tree / "build.log", "w")
    run = lambda *command: subprocess.run(command, check=True, stdout=log, stderr=log)
    try:
        run("cmake", "-S", tree, "-B", tests, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG",
            "-DASHLAR_WERROR=OFF", "-DASHLAR_WITH_CUDA=OFF", "-DASHLAR_BUILD_EXAMPLES=OFF", "-DASHLAR_BUILD_BENCHMARKS=OFF", *arguments)
        targets = subprocess.run(["ninja", "-C", tests, "-t", "targets", "all"], check=True, text=True, stdout=subprocess.PIPE).stdout
        programs = re.findall(r"(?m)^(bin/ashlar\.tests\.\S+): ", targets)
        run("ninja", "-C", tests, *programs)
    except subprocess.CalledProcessError:
        sys.exit(f"the build with faults is broken; its log is {log.name}")
    return tests


def failing(tests, regex, number, directory):
    """The tests that match and fail while fault `number` is planted, and how many match."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "CTestTestfile.cmake").write_text(f'subdirs("{tests}")\n')
    environment = dict(os.environ, ASHLAR_FAULT=str(number), ASHLAR_RERUN="1", TMPDIR=str(directory))
    out = subprocess.run(["ctest", "--test-dir", directory, "-R", regex, "-LE", "gpu|script|static|compile_fail", "-j", "6", "--timeout", "240"],
                         env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    (directory / "log").write_text(out)
    count = re.search(r"tests passed(?:, \d+ tests failed)? out of (\d+)", out)
    return re.findall(r"(?m)^\s+\d+ - ashlar\.tests\.(\S+) \((?!Skipped|Not Run)", out), int(count.group(1)) if count else 0


def seen_by_compiler(tree, by, number, arguments):
    """The sources of tests/ that the planted fault makes wrong: one that does not compile, or a mistake that does."""
    includes = [f"-I{tree / part}" for part in ("include", "policies", "tests")]
    includes += [f"-I{a.split('=')[1]}" for a in arguments if re.match(r"-DASHLAR_\w+_INCLUDE=", a)]
    seen, looked = [], []
    for pattern in by.split()[1:]:
        for source in sorted(glob.glob(str(tree / "tests" / pattern))):
            looked.append(source)
            command = ["g++", "-std=c++20", "-fsyntax-only", "-w", "-fconstexpr-ops-limit=1000000000", *includes, f"-DASHLAR_FAULT={number}", source]
            if "compile_fail" in source:
                command += ["-include", str(tree / "tests/compile_fail/headers.hpp")]
            done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            wrong = done.returncode != 0
            if "compile_fail" in source:
                sentence = re.match(r"// expect-(?:own-)?error: (.*)", Path(source).read_text()).group(1)
                wrong = sentence not in done.stdout
            if wrong:
                seen.append(Path(source).name)
    if not looked:
        sys.exit(f"faults.txt: no source matches '{by}'")
    return seen


def main():
    given = sys.argv[1:]
    at = given.index("--") if "--" in given else len(given)
    arguments = given[at + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=ROOT)
    parser.add_argument("--only", default="")
    options = parser.parse_args(given[:at])

    work = ROOT / ".build/mutants"
    tree = work / "tree"
    faults = read_faults()
    copy_with(faults, options.source.resolve(), tree)
    faults = [fault for fault in faults if options.only in fault.what]
    compiled = sorted({pattern for fault in faults if fault.compiled for pattern in fault.by.split()[1:]})
    if compiled and (broken := seen_by_compiler(tree, " ".join(["compile", *compiled]), 0, arguments)):
        sys.exit(f"without a fault the compiler takes these otherwise than it should: {' '.join(broken)}")
    at_run_time = [fault for fault in faults if not fault.compiled]
    if at_run_time:
        tests = build(tree, arguments)
        broken, count = failing(tests, "|".join(sorted({fault.by for fault in at_run_time})), 0, work / "runs/0")
        if broken or count == 0:
            sys.exit(f"without a fault {len(broken)} of {count} tests fail: {' '.join(broken)}; see {work / 'runs/0/log'}")
        print(f"without a fault all of {count} tests pass", flush=True)

    def find(fault):
        if fault.compiled:
            return seen_by_compiler(tree, fault.by, fault.number, arguments)
        return failing(tests, fault.by, fault.number, work / f"runs/{fault.number}")[0]

    missed = 0
    with concurrent.futures.ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 4)) as pool, open(work / "found.txt", "w") as table:
        for fault, found in zip(faults, pool.map(find, faults)):
            line = f"{fault.number:3} {fault.what}: {' '.join(found) or 'NOT FOUND'}"
            print(line, flush=True)
            table.write(line + "\n")
            missed += not found
    print(f"{len(faults) - missed} of {len(faults)} faults are found")
    return missed > 0


sys.exit(main())
