#pragma once
// The log of one machine of many: says before each line which it is and when it was, in the world's
// own time.
//
// Ownership: sink and world outlive it.

#include "base/log.h"
#include "sim/scenario.h"
#include "sim/world.h"

namespace meshchain::sim {

class MachineLog final : public base::LogSink {
public:
    MachineLog(base::LogSink& sink, const World& world, std::size_t machine)
        : sink_(sink), world_(world), machine_(machine) {}

    bool wants(base::LogLevel level, std::string_view module) const override {
        return sink_.wants(level, module);
    }
    void write(base::LogLevel level, std::string_view module, std::string_view line,
               base::LogFields fields) override {
        const auto at = std::chrono::floor<std::chrono::milliseconds>(world_.now() - World::start);
        sink_.write(
            level, module,
            duration_text(at) + " machine " + std::to_string(machine_) + ": " + std::string(line),
            fields);
    }

private:
    base::LogSink& sink_;
    const World& world_;
    std::size_t machine_;
};

}  // namespace meshchain::sim
