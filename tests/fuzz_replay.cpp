// Runs a fuzz target without libFuzzer: every file of its corpus, then seeded mutations of them.
//
//     wire_fuzz CORPUS_FOLDER [SEED [MUTATIONS]]
//
// The same arguments run the same inputs. When one crashes, the seed, the number of the input and
// its bytes are printed; `SEED NUMBER+1` replays up to it.

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <unistd.h>

#include "base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// A target whose inputs take long, such as two whole endpoints, defines this to get fewer
// mutations.
extern "C" __attribute__((weak)) std::uint64_t fuzz_replay_mutations();
// Present when a sanitizer is linked in, which ends the process without a signal we could catch.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using meshchain::base::Random;
using Input = std::vector<std::uint8_t>;

constexpr std::size_t input_bytes_max = 64 * 1024;
constexpr std::size_t printed_bytes_max = 2048;

// What runs now, for the crash report. Plain memory, since a crash may have broken the heap.
char current_name[256];
const std::uint8_t* current_data = nullptr;
std::size_t current_size = 0;

void print(const char* text, std::size_t size) {
    if (write(STDERR_FILENO, text, size) < 0) return;  // nowhere left to complain
}

void report_crash() {
    static const char digits[] = "0123456789abcdef";
    print("\nfuzz input that failed: ", 25);
    print(current_name, std::strlen(current_name));
    print("\nbytes: ", 8);
    for (std::size_t i = 0; i < current_size && i < printed_bytes_max; ++i) {
        const char pair[] = {digits[current_data[i] >> 4], digits[current_data[i] & 15]};
        print(pair, 2);
    }
    print(current_size > printed_bytes_max ? "...\n" : "\n",
          current_size > printed_bytes_max ? 4 : 1);
}

extern "C" void crash_handler(int signal) {
    report_crash();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void watch_for_crashes() {
    std::signal(SIGABRT, crash_handler);
    if (__sanitizer_set_death_callback != nullptr) {
        __sanitizer_set_death_callback(report_crash);
        return;  // it sees the other signals too, and prints the stack
    }
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, crash_handler);
}

void run(const std::string& name, const Input& input) {
    std::snprintf(current_name, sizeof current_name, "%s", name.c_str());
    // A copy of exactly this size lets AddressSanitizer see the first byte read past the end.
    const Input exact(input.begin(), input.end());
    current_data = exact.data();
    current_size = exact.size();
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());  // the order of the disk is not the same everywhere
    return files;
}

Input read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void mutate_once(Input& input, const std::vector<Input>& corpus, Random& random) {
    const auto position = [&] {
        return static_cast<std::ptrdiff_t>(random.below(input.size() + 1));
    };
    const auto some_byte = [&] {
        static constexpr std::uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
        return random.chance(1, 2) ? telling[random.below(std::size(telling))]
                                   : static_cast<std::uint8_t>(random.below(256));
    };
    switch (input.empty() ? 3 : random.below(6)) {
        case 0: {  // flip a bit
            auto& byte = input[random.below(input.size())];
            byte = static_cast<std::uint8_t>(byte ^ (1U << random.below(8)));
            break;
        }
        case 1: input[random.below(input.size())] = some_byte(); break;
        case 2: input.resize(random.below(input.size())); break;
        case 3: input.insert(input.begin() + position(), 1 + random.below(8), some_byte()); break;
        case 4: {  // remove a few
            const std::ptrdiff_t first = position();
            const std::ptrdiff_t left = std::ssize(input) - first;
            const auto count = std::min(left, static_cast<std::ptrdiff_t>(1 + random.below(8)));
            input.erase(input.begin() + first, input.begin() + first + count);
            break;
        }
        default: {  // splice: the front of this one, the rest of another
            const Input& other = corpus[random.below(corpus.size())];
            const std::size_t kept = random.below(input.size() + 1);
            input.resize(kept);
            if (kept < other.size()) {
                input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(kept),
                             other.end());
            }
        }
    }
    if (input.size() > input_bytes_max) input.resize(input_bytes_max);
}

std::uint64_t mutations_default() {
    return fuzz_replay_mutations != nullptr ? fuzz_replay_mutations() : 20'000;
}

Input mutation(const std::vector<Input>& corpus, std::uint64_t seed, std::uint64_t number) {
    Random random = Random(seed).stream(std::to_string(number));
    Input input = corpus[random.below(corpus.size())];
    for (std::uint64_t left = 1 + random.below(4); left > 0; --left) {
        mutate_once(input, corpus, random);
    }
    return input;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2 || argc > 4) {
        std::fprintf(stderr, "usage: %s CORPUS_FOLDER [SEED [MUTATIONS]]\n", argv[0]);
        return 2;
    }
    const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    const std::uint64_t mutations =
        argc > 3 ? std::strtoull(argv[3], nullptr, 10) : mutations_default();
    const auto files = files_of(argv[1]);
    if (files.empty()) {
        std::fprintf(stderr, "%s: no corpus; put at least one valid input there\n", argv[1]);
        return 1;
    }
    watch_for_crashes();
    std::vector<Input> corpus;
    for (const auto& file : files) {
        corpus.push_back(read_file(file));
        run(file.filename().string(), corpus.back());
    }
    for (std::uint64_t i = 0; i < mutations; ++i) {
        run("seed " + std::to_string(seed) + ", mutation " + std::to_string(i),
            mutation(corpus, seed, i));
    }
    std::printf("%zu corpus files and %llu mutations of seed %llu ran\n", files.size(),
                static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(seed));
    return 0;
}
