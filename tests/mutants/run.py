#!/usr/bin/env python3
"""Plants the faults of faults.txt, one after the other, and says which tests find each.

    tests/mutants/run.py [--source DIR] [--only WORDS or 1,2,3] [--jobs N] [--timeout SECONDS] [-- CMAKE ARGUMENTS]

One build holds all faults that show at run time: each stands beside what is right, and the environment says which one
is planted. Those that the compiler shows are compiled for. Takes about as long as building the tests twice, and is run by
hand: after a change in what is covered, no fault may be NOT FOUND. --source plants them in another checkout, to compare.
Each test has --timeout seconds and four times as long as it takes without a fault. One that takes longer is ended, counts
as failed, and is marked (hangs). A failure counts only if one of the fault's tests reached the line where it is planted.
The table is also written to .build/mutants/found.txt of this one.
"""

import argparse
import concurrent.futures
import functools
import glob
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LEFT_OUT = "gpu|script|static|compile_fail"  # labels of tests that are not run
SWITCH = """// Which fault is planted: in a constant expression the macro's, at run time the environment's.
#pragma once
#include <cstdio>
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
inline bool ashlar_fault_met() {  // leaves a file behind
  static const bool met = [] {
    const char* name = std::getenv("ASHLAR_FAULT_MET");
    if (std::FILE* file = name == nullptr ? nullptr : std::fopen(name, "a")) std::fclose(file);
    return true;
  }();
  return met;
}
constexpr bool ashlar_fault(int number) {
  if (std::is_constant_evaluated()) return ASHLAR_FAULT == number;
  return ashlar_fault_now() == number && ashlar_fault_met();
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
        if len(fields["in"]) != 1 or len(fields["by"]) != 1 or not fields["-"] or not fields["+"]:
            sys.exit(f"faults.txt: '{self.what}' needs one line of in and one of by, and lines of - and +")
        self.file, = fields["in"]
        self.by, = fields["by"]
        self.right = "\n".join(fields["-"])
        self.wrong = "\n".join(fields["+"]).replace("FAULT", f"ashlar_fault({number})")
        self.compiled = self.by.startswith("compile ")


def read_faults():
    text = re.sub(r"(?m)^#.*\n", "", (HERE / "faults.txt").read_text())
    blocks = [block.splitlines() for block in re.split(r"\n\n+", text.strip())]
    return [Fault(i + 1, block) for i, block in enumerate(blocks)]


def chosen(faults, only):
    if not re.fullmatch(r"[\d, ]+", only):
        some = [fault for fault in faults if only in fault.what]
    else:
        some = [fault for fault in faults if fault.number in {int(word) for word in re.findall(r"\d+", only)}]
    return some or sys.exit(f"faults.txt: no fault is '{only}'")


def copy_with(faults, source, tree):
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(source, tree, ignore=shutil.ignore_patterns(".git", ".build", ".deps", ".venv", "runs"))
    (tree / "include/ashlar/fault.hpp").write_text(SWITCH)
    wrong = []
    for fault in faults:
        file = tree / fault.file
        text = file.read_text() if file.exists() else ""
        if text.count(fault.right) != 1:
            wrong.append(f"'{fault.what}' stands {text.count(fault.right)} times in {fault.file}, and not once: {fault.right}")
            continue
        text = text.replace(fault.right, fault.wrong)
        include = "#include <ashlar/fault.hpp>\n"
        if include not in text:
            text = text.replace("#pragma once\n", "#pragma once\n" + include, 1) if file.suffix == ".hpp" else include + text
        file.write_text(text)
    if wrong:
        sys.exit("\n".join(wrong))


def ctest(*arguments, environment=None):
    return subprocess.run(["ctest", *map(str, arguments)], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def names_of(tests, regex):
    """Of the tests that match."""
    out = ctest("--test-dir", tests, "-R", regex, "-LE", LEFT_OUT, "--show-only=json-v1")
    return [test["name"] for test in json.JSONDecoder().raw_decode(out, out.index("{"))[0]["tests"]]


def build(tree, regex, jobs, arguments):
    """Builds the programs of the tests that match; returns the build's folder and the names of these tests."""
    tests = tree / ".build/tests"
    log = open(tree / "build.log", "w")
    run = lambda *command: subprocess.run(command, check=True, stdout=log, stderr=log)
    try:
        run("cmake", "-S", tree, "-B", tests, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG",
            "-DASHLAR_WERROR=OFF", "-DASHLAR_WITH_CUDA=OFF", "-DASHLAR_BUILD_EXAMPLES=OFF", "-DASHLAR_BUILD_BENCHMARKS=OFF", *arguments)
        names = names_of(tests, regex)
        programs = {re.sub(r"\.np\d+$", "", name) for name in names}
        run("ninja", "-C", tests, "-j", str(jobs), *sorted(f"bin/{program}" for program in programs))
    except subprocess.CalledProcessError:
        sys.exit(f"the build with faults is broken; its log is {log.name}")
    return tests, names


class Outcome:
    """Of the tests that match while fault `number` is planted; `limits` has the seconds that each may take."""

    def __init__(self, tests, regex, number, directory, jobs, limits):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        own = "".join(f'set_tests_properties("{name}" PROPERTIES TIMEOUT "{limits[name]}")\n' for name in limits)
        (directory / "CTestTestfile.cmake").write_text(f'subdirs("{tests}")\n{own}')
        met = directory / "met"
        environment = dict(os.environ, ASHLAR_FAULT=str(number), ASHLAR_FAULT_MET=str(met), ASHLAR_RERUN="1", TMPDIR=str(directory))
        out = ctest("--test-dir", directory, "-R", regex, "-LE", LEFT_OUT, "-j", jobs, environment=environment)
        (directory / "log").write_text(out)
        self.met = met.exists()
        self.seconds = {name: float(s) for name, s in re.findall(r"(?m)^ *\d+/\d+ Test +#\d+: (\S+) .* ([\d.]+) sec", out)}
        failed = re.findall(r"(?m)^\s+\d+ - ashlar\.tests\.(\S+) \((?!Skipped|Disabled)(\w+)", out)
        self.failed = [name + (" (hangs)" if how == "Timeout" else "") for name, how in failed]


@functools.lru_cache(maxsize=None)
def right_for_compiler(tree, source, number, arguments):
    """Whether a source of tests/ is what it should be: one that compiles, or a mistake that does not while its repair does."""
    includes = [f"-I{tree / part}" for part in ("include", "policies", "tests")]
    includes += [f"-I{a.split('=')[1]}" for a in arguments if re.match(r"-DASHLAR_\w+_INCLUDE=", a)]
    command = ["g++", "-std=c++20", "-fsyntax-only", "-w", "-fconstexpr-ops-limit=1000000000", *includes, f"-DASHLAR_FAULT={number}", source]
    compiled = lambda *more: subprocess.run([*command, *more], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if "compile_fail" not in source:
        return compiled().returncode == 0
    headers = ("-include", str(tree / "tests/compile_fail/headers.hpp"))
    sentence = re.match(r"// expect-(?:own-)?error: (.*)", Path(source).read_text()).group(1)
    mistake = compiled(*headers)
    return mistake.returncode != 0 and sentence in mistake.stdout and compiled("-DFIXED", *headers).returncode == 0


def sources_of(tree, fault):
    return [source for pattern in fault.by.split()[1:] for source in sorted(glob.glob(str(tree / "tests" / pattern)))]


def main():
    given = sys.argv[1:]
    at = given.index("--") if "--" in given else len(given)
    arguments = tuple(given[at + 1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=ROOT)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", type=int, default=60)
    parser.add_argument("--apply", action="store_true", help="only copy the tree and write the faults into the copy")
    options = parser.parse_args(given[:at])

    work = ROOT / ".build/mutants"
    tree = work / "tree"
    faults = read_faults()
    copy_with(faults, options.source.resolve(), tree)
    if options.apply:
        print(f"{len(faults)} faults are written into {tree}")
        return 0
    faults = chosen(faults, options.only)
    compiled = [fault for fault in faults if fault.compiled]
    at_run_time = [fault for fault in faults if not fault.compiled]
    pool = concurrent.futures.ThreadPoolExecutor(options.jobs)
    runs = concurrent.futures.ThreadPoolExecutor(max(1, options.jobs // 4))

    def wrong_for_compiler(sources, number):
        right = pool.map(lambda source: right_for_compiler(tree, source, number, arguments), sources)
        return [Path(source).name for source, is_right in zip(sources, right) if not is_right]

    sources = sorted({source for fault in compiled for source in sources_of(tree, fault)})
    if broken := wrong_for_compiler(sources, 0):
        sys.exit(f"without a fault the compiler takes these otherwise than it should: {' '.join(broken)}")
    limits = {}
    if at_run_time:
        every = "|".join(sorted({fault.by for fault in at_run_time}))
        tests, names = build(tree, every, options.jobs, arguments)
        plain = Outcome(tests, every, 0, work / "runs/0", options.jobs, {})
        if plain.failed or not plain.seconds:
            sys.exit(f"without a fault {len(plain.failed)} of {len(names)} tests fail: {' '.join(plain.failed)}; see {work / 'runs/0/log'}")
        limits = {name: options.timeout + round(4 * seconds) for name, seconds in plain.seconds.items()}
        print(f"without a fault all of {len(plain.seconds)} tests pass", flush=True)

    def find(fault):
        seen_by = sources_of(tree, fault) if fault.compiled else [name for name in names if re.search(fault.by, name)]
        if not seen_by:
            return [], f", as there is no {fault.by}"
        if fault.compiled:
            return wrong_for_compiler(seen_by, fault.number), ""
        outcome = Outcome(tests, fault.by, fault.number, work / f"runs/{fault.number}", min(6, options.jobs), limits)
        if outcome.met:
            return outcome.failed, ""
        return [], f", as no test met it{', but these fail: ' + ' '.join(outcome.failed) if outcome.failed else ''}"

    missed = 0
    with open(work / "found.txt", "w") as table:
        for fault, (found, why) in zip(faults, runs.map(find, faults)):
            line = f"{fault.number:3} {fault.what}: {' '.join(found) or 'NOT FOUND' + why}"
            print(line, flush=True)
            table.write(line + "\n")
            table.flush()
            missed += not found
    print(f"{len(faults) - missed} of {len(faults)} faults are found")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
