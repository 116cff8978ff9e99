// meshchain_bench [FILTER]: runs every workload whose name contains FILTER.

#include <cstdio>

#include "bench/workloads.h"

int main(int argc, char** argv) {
    if (argc > 2) {
        std::fputs("usage: meshchain_bench [FILTER]\n", stderr);
        return 2;
    }
    meshchain::bench::Report report(argc == 2 ? argv[1] : "");
    for (const auto run : meshchain::bench::all_workloads) run(report);
}
