#pragma once
// How a run went, as moments spread evenly over it: what its plots show.
//
// Limits: moments_max of them, however long the run is; the marks are the scenario's steps.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "wire/message_type.h"

namespace meshchain::sim {

/// What bytes are for, as people ask for it.
enum class TrafficKind : std::uint8_t { payments, blocks, votes, sync, mesh, records, other };
inline constexpr std::size_t traffic_kinds = 7;
TrafficKind kind_of(wire::MessageType type);
std::string_view name(TrafficKind kind);

struct Moment {
    base::Duration at{};          ///< since the start
    std::uint32_t final_min = 0;  ///< the FINAL height of the honest node that is furthest behind
    std::uint32_t final_max = 0;
    std::uint32_t tip_max = 0;
    std::size_t machines_on = 0;
    std::size_t payments = 0;  ///< taken until now
    std::size_t payments_final = 0;
    std::uint64_t blocks_reverted = 0;                 ///< by all nodes, until now
    std::array<std::uint64_t, traffic_kinds> bytes{};  ///< sent until now
};

/// Something that happened at a time.
struct Mark {
    base::Duration at{};
    std::string text;
};

class Timeline {
public:
    static constexpr std::size_t moments_max = 600;

    /// Asked at even intervals: whether this moment is one of those that are kept.
    bool wants_next() { return asked_++ % stride_ == 0; }
    /// After wants_next() said yes. Where there are too many, every other is forgotten.
    void add(const Moment& moment);
    void mark(base::Duration at, std::string text) { marks_.push_back({at, std::move(text)}); }

    const std::vector<Moment>& moments() const { return moments_; }
    const std::vector<Mark>& marks() const { return marks_; }

private:
    std::vector<Moment> moments_;
    std::vector<Mark> marks_;
    std::uint64_t asked_ = 0;
    std::uint64_t stride_ = 1;
};

}  // namespace meshchain::sim
