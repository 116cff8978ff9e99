#pragma once
// The one list of benchmark groups. A new X_bench.cpp defines one function, declared and listed
// here.

#include "bench/report.h"

namespace meshchain::bench {

void air_workloads(Report& report);
void api_workloads(Report& report);
void chain_workloads(Report& report);
void consensus_workloads(Report& report);
void host_workloads(Report& report);
void hostile_workloads(Report& report);
void kv_flash_workloads(Report& report);
void kv_workloads(Report& report);
void ledger_workloads(Report& report);
void mesh_search_workloads(Report& report);
void mesh_workloads(Report& report);
void mqtt_workloads(Report& report);
void records_workloads(Report& report);
void route_workloads(Report& report);
void runtime_workloads(Report& report);
void search_workloads(Report& report);
void sim_workloads(Report& report);
void transfer_workloads(Report& report);

/// In the order in which they run.
inline constexpr void (*all_workloads[])(Report&) = {
    runtime_workloads, kv_workloads,          kv_flash_workloads, ledger_workloads,
    mesh_workloads,    chain_workloads,       route_workloads,    consensus_workloads,
    host_workloads,    mqtt_workloads,        api_workloads,      hostile_workloads,
    search_workloads,  mesh_search_workloads, records_workloads,  air_workloads,
    sim_workloads,     transfer_workloads,
};

}  // namespace meshchain::bench
