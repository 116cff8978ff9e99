#!/usr/bin/env python3
"""Checks the rules that no compiler checks (CONTRIBUTING.md lists them for people).

Floors 0-5 do no I/O, know no clock, thread, global state or hidden randomness, and use neither
exceptions nor RTTI. All sources keep the limits of style.

    check_bans.py [ROOT]      checks the tree
    check_bans.py --self-test feeds the check what it must refuse, and some that it must not
"""
import re
import sys
import tempfile
from pathlib import Path

from check_layers import FLOORS
from cpp_text import code_only, flatten, outline, without_comments, without_preprocessor

COLUMNS_MAX = 100
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
CORE_FLOOR_MAX = 5

BANNED_HEADERS = {
    "do no I/O": "cstdio stdio.h iostream istream ostream fstream filesystem print syncstream "
                 "unistd.h fcntl.h poll.h netdb.h dirent.h sqlite3.h csignal signal.h spawn.h",
    "start no threads": "thread mutex shared_mutex condition_variable future atomic stop_token "
                        "semaphore latch barrier pthread.h",
    "draw from base/random.h": "random",
    "read no clock": "ctime time.h",
    "iterate in a fixed order (use std::map)": "unordered_map unordered_set",
    "know no types at run time": "typeinfo typeindex any",
    "assert in release too (use MESH_ASSERT)": "cassert assert.h",
    "know no environment and no locale": "locale clocale locale.h",
}
BANNED_HEADER_FOLDERS = ("sys", "netinet", "arpa", "net", "linux", "boost", "spdlog")

# What floors 0-5 must not say, and what they do instead.
CORE_BANS = [
    (r"\b(?:system|steady|high_resolution|utc|tai|gps|file)_clock\b|::now\s*\(|"
     r"\b(?:gettimeofday|clock_gettime|localtime|gmtime)\s*\(|\bstd::time\s*\(",
     "read no clock: time is an argument"),
    (r"\brandom_device\b|\bstd::\w+_distribution\b|"
     r"\bstd::(?:mt19937|minstd_rand|default_random)\w*|\bs?rand\s*\(|"
     r"\bgetrandom\s*\(|\brandombytes\w*|\bstd::shuffle\b|\bstd::sample\b",
     "draw from base/random.h or the Entropy door"),
    (r"\bunordered_(?:multi)?(?:map|set)\b", "iterate in a fixed order (use std::map)"),
    (r"\bstd::(?:cout|cerr|clog|cin|wcout|wcerr)\b|\b(?:f|v|vf)?printf\s*\(|\bf?put[sc]\s*\(|"
     r"\bputchar\s*\(|\b(?:fopen|fread|fwrite|freopen|popen)\s*\(|\bstd::print(?:ln)?\b",
     "do no I/O: log through base/log.h, store through a door"),
    (r"(?<![\w:])::(?:open|close|read|write|send\w*|recv\w*|socket|bind|listen|accept|fork|kill|"
     r"mmap|ioctl|fsync|unlink|rename|syscall)\s*\(|\bsyscall\s*\(",
     "make no system call"),
    (r"\bstd::(?:j?thread|\w*mutex|atomic\w*|async|future|promise|condition_variable\w*|\w*_lock|"
     r"lock_guard)\b|\bpthread_\w+|\bthread_local\b|\bsleep(?:_for|_until)?\s*\(|\busleep\s*\(|"
     r"\bnanosleep\s*\(",
     "start no threads and wait for nothing"),
    (r"\bthrow\b|\btry\b|\bcatch\b|\bstd::(?:current_)?exception\w*",
     "throw nothing: return std::expected"),
    (r"\bdynamic_cast\b|\btypeid\b|\bdynamic_pointer_cast\b", "know no types at run time"),
    (r"(?<![\w.>:])assert\s*\(", "assert in release too (use MESH_ASSERT)"),
    (r"\b(?:std::)?getenv\s*\(|\bstd::(?:system|exit|quick_exit|atexit)\s*\(|(?<![\w.>:])exit\s*\(",
     "know no environment and do not end the process"),
]
# The one place that prints and aborts.
CORE_EXCEPTIONS = {"src/base/assert.cpp": ("cstdio", "do no I/O")}

# Tests, and the headers they share.
TEST_FILE = re.compile(r"(_test|_fuzz)\.cpp$|(^|[/_])test_\w+\.(h|cpp)$|_suite\.h$")
TEST_HEADER = re.compile(r'^\s*#\s*include\s*([<"](?:gtest|gmock|rapidcheck)[^>"]*[>"]|'
                         r'"\w+/(?:(?:\w+_)?test_\w+|\w+_suite)\.h")', re.MULTILINE)
TEST_BANS = [
    (r"\bsleep(?:_for|_until)?\s*\(|\busleep\s*\(|\bnanosleep\s*\(",
     "tests do not sleep: move the clock, or wait for the event"),
    (r"\brandom_device\b", "a random test prints the seed that replays it"),
]
SKIPPED_FOLDERS = {".git", "node_modules"}
SCRIPTS = (".py", ".sh", ".cmake")


class Check:
    def __init__(self, root):
        self.root = root
        self.files = 0
        self.problems = []

    def complain(self, path, line, text):
        self.problems.append(f"{path}:{line}: {text}")

    def search(self, path, code, bans, allowed=()):
        for pattern, instead in bans:
            for found in re.finditer(pattern, code):
                if not instead.startswith(tuple(allowed)):
                    line = code.count("\n", 0, found.start()) + 1
                    self.complain(path, line, f"'{found[0].strip()}': {instead}")

    def core(self, path, text, code):
        """Rules of floors 0-5."""
        allowed = CORE_EXCEPTIONS.get(str(path), ("\0",))
        headers = re.finditer(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', without_comments(text),
                              re.MULTILINE)
        for found in headers:
            line = text.count("\n", 0, found.start(1)) + 1
            name = found[1]
            for instead, names in BANNED_HEADERS.items():
                if name in names.split() and name not in allowed:
                    self.complain(path, line, f"<{name}>: floors 0-5 {instead}")
            if name.split("/")[0] in BANNED_HEADER_FOLDERS:
                self.complain(path, line, f"<{name}>: floors 0-5 know no operating system")
        self.search(path, code, CORE_BANS, allowed)
        self.globals(path, code)

    def product(self, path, text):
        for found in TEST_HEADER.finditer(without_comments(text)):
            line = text.count("\n", 0, found.start(1)) + 1
            self.complain(path, line, f"{found[1]}: only tests use this")

    def globals(self, path, code):
        """State that outlives its owner: variables of namespaces, and static ones anywhere."""
        plain = without_preprocessor(code)
        for found in re.finditer(r"\bstatic\b([^;={(]*)([;={])", plain):
            if is_mutable(found[1]):
                line = plain.count("\n", 0, found.start()) + 1
                self.complain(path, line, f"mutable static '{found[1].strip()}': no global state")
        for declaration in outline(plain)[1]:
            flat = flatten(declaration.text)
            head = re.split(r"=|\{\}", flat)[0]
            if "static" not in head.split() and is_variable(head) and is_mutable(head):
                self.complain(path, declaration.line, f"mutable global '{head.strip()}'")

    def style(self, path, text, code):
        """Rules of every C++ source."""
        lines = text.splitlines()
        if len(lines) > FILE_LINES_MAX:
            self.complain(path, len(lines), f"more than {FILE_LINES_MAX} lines: two things in one")
        for function in outline(without_preprocessor(code))[0]:
            length = function.last_line - function.first_line + 1
            if length > FUNCTION_LINES_MAX:
                head = " ".join(function.head.split())[:60]
                self.complain(path, function.first_line,
                              f"function of {length} lines, {FUNCTION_LINES_MAX} at most: {head}")
        if path.suffix == ".h":
            if not lines or lines[0] != "#pragma once":
                self.complain(path, 1, "a header starts with #pragma once")
            elif len(lines) < 2 or not lines[1].startswith("//"):
                self.complain(path, 2, "a header says what it is for below #pragma once")
        for number, line in enumerate(lines, 1):
            if re.search(r"\b(?:TODO|FIXME|XXX|HACK)\b", line):
                self.complain(path, number, "finish it, or open an issue")
            if re.match(r"\s*(?://|/\*)\s*[-=*#/]{4,}", line):
                self.complain(path, number, "no banners")

    def layout(self, path, text):
        """Rules of every text we write by hand."""
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > COLUMNS_MAX:
                self.complain(path, number, f"{len(line)} columns, {COLUMNS_MAX} at most")
            if line != line.rstrip():
                self.complain(path, number, "white space at the end")
            if "\t" in line:
                self.complain(path, number, "tab")
        if text and not text.endswith("\n"):
            self.complain(path, text.count("\n") + 1, "no newline at the end")

    def reachable(self, sources):
        """Every .cpp is compiled by some CMakeLists.txt that the top one leads to."""
        cmake = {p.relative_to(self.root): re.sub(r"#[^\n]*", "", p.read_text(encoding="utf-8"))
                 for p in (*self.root.rglob("CMakeLists.txt"), *self.root.glob("cmake/*.cmake"))
                 if not self.skipped(p)}
        top = cmake.get(Path("CMakeLists.txt"), "")
        everything = "\n".join(cmake.values())
        for path in sources:
            named = re.search(rf"(?<![\w*]){re.escape(path.name)}\b", everything)
            found = any(is_entered(top, folder) and
                        is_globbed(cmake.get(folder / "CMakeLists.txt", ""),
                                   path.relative_to(folder))
                        for folder in path.parents)
            if not (named or found):
                self.complain(path, 1, "no CMakeLists.txt compiles this file")

    def skipped(self, path):
        parts = path.relative_to(self.root).parts
        return any(p in SKIPPED_FOLDERS or p == "build" or p.startswith("build-") for p in parts)

    def run(self):
        sources = []
        for path in sorted(self.root.rglob("*")):
            script = path.suffix in SCRIPTS or path.name == "CMakeLists.txt"
            if self.skipped(path) or not path.is_file():
                continue
            if path.suffix not in (".h", ".cpp") and not script:
                continue
            self.files += 1
            relative = path.relative_to(self.root)
            text = path.read_text(encoding="utf-8")
            self.layout(relative, text)
            if script:
                continue
            code = code_only(text)
            self.style(relative, text, code)
            if path.suffix == ".cpp":
                sources.append(relative)
            if TEST_FILE.search(relative.name) or relative.parts[0] == "tests":
                self.search(relative, code, TEST_BANS)
            elif relative.parts[0] == "src":
                self.product(relative, text)
                if FLOORS.get(relative.parts[1], CORE_FLOOR_MAX) <= CORE_FLOOR_MAX:
                    self.core(relative, text, code)
        self.reachable(sources)


def is_entered(top, folder):
    """Whether the top CMakeLists.txt leads into this folder."""
    if folder.parts[:1] == ("src",):
        return len(folder.parts) == 2 and bool(re.search(rf"\b{folder.name}\b", top))
    return folder.parts != () and str(folder) in top


def is_globbed(listing, path):
    """Whether a pattern in the text of a CMakeLists.txt finds `path`, relative to its folder."""
    if "mesh_module(" in listing and len(path.parts) == 1:
        return True
    for recurse, patterns in re.findall(r"\bGLOB(_RECURSE)?\b([^)]*)\)", listing):
        for pattern in patterns.split():
            pattern = pattern.strip('"').removeprefix("${CMAKE_CURRENT_SOURCE_DIR}/")
            if path.match(pattern) and (recurse or len(Path(pattern).parts) == len(path.parts)):
                return True
    return False


def is_variable(flat):
    """Whether the head of a declaration at namespace scope names a variable."""
    words = flat.split()
    starters = {"using", "typedef", "namespace", "template", "class", "struct", "union", "enum",
                "friend", "extern", "static_assert", "concept", "requires"}
    return len(words) > 1 and words[0] not in starters and "()" not in flat


def is_mutable(declaration):
    words = re.findall(r"\w+|[*&]", declaration)
    if "constexpr" in words or "consteval" in words:
        return False
    if "*" in words:
        return "const" not in words[len(words) - words[::-1].index("*"):]
    return "const" not in words


HEADER = "#pragma once\n// What it is for.\n"
SELF_TESTS = {
    # name: (file, text, part of the complaint or None where it is allowed)
    "thread header": ("src/base/a.cpp", "#include <thread>\n", "no threads"),
    "clock": ("src/node/a.cpp", "auto f() { return std::chrono::steady_clock::now(); }\n", "clock"),
    "C clock": ("src/node/a.cpp", "long f() { return std::time(nullptr); }\n", "clock"),
    "device": ("src/wire/a.h", HEADER + "inline int f() { return std::random_device{}(); }\n",
               "base/random.h"),
    "distribution": ("src/mesh/a.cpp", "std::uniform_int_distribution<int> f();\n", "random.h"),
    "unordered": ("src/mesh/a.h", HEADER + "struct A { std::unordered_map<int, int> a; };\n",
                  "fixed order"),
    "unordered header": ("src/mesh/a.h", HEADER + "#include <unordered_set>\n", "fixed order"),
    "cout": ("src/chain/a.cpp", "void f() { std::cout << 1; }\n", "no I/O"),
    "printf": ("src/chain/a.cpp", 'void f() { std::printf("x"); }\n', "no I/O"),
    "fopen": ("src/chain/a.cpp", 'void f() { fopen("x", "r"); }\n', "no I/O"),
    "iostream": ("src/chain/a.cpp", "#include <iostream>\n", "no I/O"),
    "socket header": ("src/mesh/a.cpp", "#include <sys/socket.h>\n", "operating system"),
    "system call": ("src/mesh/a.cpp", "void f() { ::write(1, 0, 0); }\n", "system call"),
    "boost": ("src/mesh/a.cpp", "#include <boost/asio.hpp>\n", "operating system"),
    "mutex": ("src/kv/a.cpp", "struct A { std::mutex m; };\n", "no threads"),
    "thread_local": ("src/kv/a.cpp", "thread_local int x;\n", "no threads"),
    "throw": ("src/wire/a.cpp", "void f() { throw 1; }\n", "std::expected"),
    "try": ("src/wire/a.cpp", "void f() { try { g(); } catch (...) {} }\n", "std::expected"),
    "dynamic_cast": ("src/wire/a.cpp", "A* f(B* b) { return dynamic_cast<A*>(b); }\n", "run time"),
    "typeid": ("src/wire/a.cpp", "auto f(B* b) { return typeid(b).name(); }\n", "run time"),
    "assert": ("src/wire/a.cpp", "void f(int a) { assert(a); }\n", "MESH_ASSERT"),
    "getenv": ("src/wire/a.cpp", 'void f() { std::getenv("A"); }\n', "environment"),
    "static local": ("src/wire/a.cpp", "int f() { static int n = 0; return ++n; }\n",
                     "global state"),
    "static member": ("src/wire/a.h", HEADER + "struct A { static inline int n; };\n",
                      "global state"),
    "static pointer": ("src/wire/a.cpp", 'static const char* name = "x";\n', "global state"),
    "global": ("src/wire/a.cpp", "namespace a {\nint counter = 0;\n}\n", "mutable global"),
    "global without value": ("src/wire/a.cpp", "namespace {\nstd::vector<int> all;\n}\n",
                             "mutable global"),
    "global in braces": ("src/wire/a.cpp", "Table table{1, 2};\n", "mutable global"),
    "constinit global": ("src/wire/a.cpp", "constinit int counter = 0;\n", "mutable global"),
    "no pragma": ("src/host/a.h", "// What it is for.\n", "#pragma once"),
    "no comment": ("src/host/a.h", "#pragma once\nint f();\n", "what it is for"),
    "long line": ("apps/a/a.cpp", "// " + "x" * 98 + "\n", "101 columns"),
    "trailing blank": ("apps/a/a.cpp", "int f(); \n", "white space"),
    "no final newline": ("apps/a/a.cpp", "int f();", "no newline"),
    "tab": ("apps/a/a.cpp", "\tint f();\n", "tab"),
    "long file": ("apps/a/a.cpp", "int f();\n" * 601, "600 lines"),
    "long function": ("apps/a/a.cpp", "void f() {\n" + "    g();\n" * 70 + "}\n", "72 lines"),
    "long method": ("src/host/a.h", HEADER + "class A {\n    int f(int a = {}) const {\n" +
                    "        g();\n" * 70 + "    }\n};\n", "72 lines"),
    "unfinished": ("src/host/a.cpp", "// TODO\n", "finish it"),
    "banner": ("src/host/a.cpp", "// ------ section ------\n", "banners"),
    "sleeping test": ("src/host/a_test.cpp", "void f() { std::this_thread::sleep_for(1s); }\n",
                      "sleep"),
    "sleeping helper of tests": ("tests/a/b.cpp", "void f() { usleep(1); }\n", "sleep"),
    "unseeded test": ("src/base/a_test.cpp", "auto f() { return std::random_device{}(); }\n",
                      "seed"),
    "stray source": ("src/base/deep/a.cpp", "int f();\n", "compiles this file"),
    "source beside the globs": ("apps/a/other/a.cpp", "int f();\n", "compiles this file"),
    "stray module": ("src/attic/a.cpp", "int f();\n", "compiles this file"),
    "test library in the product": ("src/host/a.h", HEADER + "#include <gtest/gtest.h>\n",
                                    "only tests"),
    "test header in the product": ("src/base/a.cpp", '#include "base/engine_suite.h"\n',
                                   "only tests"),
    # What the rules must let pass.
    "source in a globbed folder": ("apps/a/deep/b.cpp", "int f();\n", None),
    "a suite of tests": ("src/kv/engine_suite.h", HEADER + "#include <ostream>\n"
                         "#include <gtest/gtest.h>\n", None),
    "words in comments": ("src/base/a.cpp", "// never throw, try std::cout or steady_clock::now()\n"
                          "/* std::mutex */\n", None),
    "words in strings": ("src/base/a.cpp", 'const auto s = "throw std::cout"; const auto t = '
                         'R"(std::thread\n)";\n', None),
    "digit separators": ("src/base/a.cpp", "constexpr int a = 1'000; constexpr char b = '\\'';\n",
                         None),
    "constants": ("src/base/a.cpp", "static constexpr int a[] = {1, 2};\n"
                  'constexpr std::string_view b = "x";\ninline constexpr int c{3};\n'
                  'const char* const d = "x";\nstatic const std::array<int, 2> e{1, 2};\n', None),
    "functions": ("src/base/a.cpp", "namespace a {\nstatic int f(int x = 3);\n"
                  "bool operator==(A a, B b) { return true; }\ntemplate <class T> T g(T t) {}\n"
                  "A::A(int x) : x_{x}, y_(x) {}\nauto h() -> std::map<int, int>;\n"
                  "constexpr auto k = [](int x) { return x; };\nusing B = std::vector<int>;\n"
                  "enum class C { a, b };\nstruct D { int x = 0; static D make(); };\n"
                  "struct E;\nextern template class F<int>;\n}\n", None),
    "host does I/O": ("src/host/a.cpp", "#include <thread>\nvoid f() { std::puts(s); }\n", None),
    "a test may throw": ("src/base/a_test.cpp", "#include <thread>\nvoid f() { throw 1; }\n", None),
    "seventy lines": ("apps/a/a.cpp", "void f() {\n" + "    g();\n" * 68 + "}\n", None),
    "the assertion prints": ("src/base/assert.cpp", "#include <cstdio>\n"
                             'void f() { std::fprintf(stderr, "x"); }\n', None),
}


def self_test():
    modules = "\n".join(sorted(FLOORS))
    frame = {
        "CMakeLists.txt": f"foreach(module\n{modules})\nendforeach()\nforeach(part apps/a)\n",
        "apps/a/CMakeLists.txt": "file(GLOB sources *.cpp deep/*.cpp)\n",
        **{f"src/{module}/CMakeLists.txt": f"mesh_module({module})\n" for module in FLOORS},
    }
    failures = 0
    for name, (path, text, expected) in SELF_TESTS.items():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            for file, content in {**frame, path: text}.items():
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (root / file).write_text(content, encoding="utf-8")
            check = Check(root)
            check.run()
        problems = check.problems
        if not (any(expected in p for p in problems) if expected else not problems):
            print(f"self-test '{name}': expected {expected or 'nothing'}, got {problems}")
            failures += 1
    print(f"bans self-test: {len(SELF_TESTS)} cases, {failures} wrong")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    check = Check(root)
    check.run()
    for problem in check.problems:
        print(problem)
    print(f"bans: {check.files} files, {len(check.problems)} problems")
    return 1 if check.problems or check.files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
