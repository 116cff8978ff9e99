#pragma once
// What the examples share: their folder, and how they end.

#include <cstdio>
#include <filesystem>

#include "base/error.h"

namespace example {

/// Runs `work(folder)` in the new folder that the command line names. The exit code of main.
template <class Work>
int run(int argc, char** argv, Work work) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s NEW_FOLDER\n", argv[0]);
        return 2;
    }
    const auto done = work(std::filesystem::path(argv[1]));
    if (!done) std::fprintf(stderr, "%s\n", meshchain::base::sentence(done.error()).c_str());
    return done ? 0 : 1;
}

}  // namespace example
