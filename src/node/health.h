#pragma once
// Which parts of a node work (row D3): every part with its state, and for what is wrong a problem
// that says what, why and what to do. Status, API, `status --watch` and `doctor` all show this.
//
// Computed anew at each call from what is so now, so that a part that recovers is healthy again and
// a part that is missing or broken makes no other one unknown.

#include <string>
#include <string_view>
#include <vector>

namespace meshchain::node {

enum class PartState : unsigned char {
    ok,
    absent,    ///< not part of this node, and not needed: no wallet
    degraded,  ///< works with less than it should
    failed,    ///< does not do its work
};
std::string_view name(PartState state);  ///< "ok", "absent", …

struct Problem {
    std::string_view id;  ///< stable, for programs: "no_peers"
    PartState state = PartState::degraded;
    std::string what;
    std::string why;
    std::string advice;
};
/// "What: why; advice." as one sentence.
std::string sentence(const Problem& problem);

struct PartHealth {
    std::string_view part;  ///< "store", "chain", "mempool", "mesh", "clock", "sync", "wallet"
    PartState state = PartState::ok;
    std::vector<Problem> problems;
};

struct HealthView {
    PartState state = PartState::ok;  ///< failed where a part failed, degraded where one is
    std::vector<PartHealth> parts;    ///< always all of them, in one order

    std::vector<Problem> problems() const;
};

}  // namespace meshchain::node
