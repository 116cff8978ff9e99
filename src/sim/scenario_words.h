#pragma once
// The words of scenario texts, one table for reading and for writing.

#include <array>
#include <string_view>

#include "sim/scenario.h"

namespace meshchain::sim::words {

/// What stands behind a verb.
enum class Operands : std::uint8_t {
    none,
    sides,            ///< 0 1 | 2 3
    pair,             ///< 0 1
    word,             ///< lan
    machines,         ///< 0 1, or all
    number_machines,  ///< 100 0 1
    number_pair,      ///< 100 0 1, and no others
    number_time,      ///< 95 10m
    number,           ///< 250
    time_machines,    ///< 20ms 0 1
    time,             ///< 5s
};

struct VerbWord {
    Step::Verb verb;
    std::string_view word;
    Operands operands;
};

inline constexpr std::array verbs{
    VerbWord{Step::Verb::partition, "partition", Operands::sides},
    VerbWord{Step::Verb::cut, "cut", Operands::pair},
    VerbWord{Step::Verb::heal, "heal", Operands::none},
    VerbWord{Step::Verb::network, "network", Operands::word},
    VerbWord{Step::Verb::crash, "crash", Operands::machines},
    VerbWord{Step::Verb::start, "start", Operands::machines},
    VerbWord{Step::Verb::wipe, "wipe", Operands::machines},
    VerbWord{Step::Verb::power_cut, "power-cut", Operands::number_machines},
    VerbWord{Step::Verb::rot, "rot", Operands::number_machines},
    VerbWord{Step::Verb::full, "full", Operands::machines},
    VerbWord{Step::Verb::room, "room", Operands::machines},
    VerbWord{Step::Verb::slow, "slow", Operands::time_machines},
    VerbWord{Step::Verb::clock, "clock", Operands::number_machines},
    VerbWord{Step::Verb::drift, "drift", Operands::number_machines},
    VerbWord{Step::Verb::ntp, "ntp", Operands::machines},
    VerbWord{Step::Verb::pay, "pay", Operands::pair},
    VerbWord{Step::Verb::payments, "payments", Operands::time},
    VerbWord{Step::Verb::stake, "stake", Operands::number_machines},
    VerbWord{Step::Verb::delegate, "delegate", Operands::number_pair},
    VerbWord{Step::Verb::unbond, "unbond", Operands::number_machines},
    VerbWord{Step::Verb::withdraw, "withdraw", Operands::machines},
    VerbWord{Step::Verb::claim, "claim", Operands::machines},
    VerbWord{Step::Verb::expect_final, "expect-final", Operands::time},
    VerbWord{Step::Verb::expect_still, "expect-still", Operands::time},
    VerbWord{Step::Verb::expect_stake, "expect-stake", Operands::number_machines},
    VerbWord{Step::Verb::expect_slashed, "expect-slashed", Operands::machines},
    VerbWord{Step::Verb::expect_kept, "expect-kept", Operands::number_machines},
    VerbWord{Step::Verb::expect_heard, "expect-heard", Operands::number_machines},
    VerbWord{Step::Verb::expect_unheard, "expect-unheard", Operands::number_machines},
    VerbWord{Step::Verb::expect_withheld, "expect-withheld", Operands::number_machines},
    VerbWord{Step::Verb::expect_paid, "expect-paid", Operands::number_time},
    VerbWord{Step::Verb::expect_channel, "expect-channel", Operands::number},
    VerbWord{Step::Verb::expect_alerted, "expect-alerted", Operands::number_time},
    VerbWord{Step::Verb::expect_refused, "expect-refused", Operands::number_machines},
};

struct AttackerWord {
    Attacker::Kind kind;
    std::string_view word;
    bool is_stranger;
};

inline constexpr std::array attackers{
    AttackerWord{Attacker::Kind::twins, "twins", false},
    AttackerWord{Attacker::Kind::withhold, "withhold", false},
    AttackerWord{Attacker::Kind::selfish, "selfish", false},
    AttackerWord{Attacker::Kind::silent, "silent", false},
    AttackerWord{Attacker::Kind::two_tongued, "two-tongued", false},
    AttackerWord{Attacker::Kind::fork, "fork", false},
    AttackerWord{Attacker::Kind::bounce, "bounce", false},
    AttackerWord{Attacker::Kind::hears_all, "hears-all", false},
    AttackerWord{Attacker::Kind::hears_none, "hears-none", false},
    AttackerWord{Attacker::Kind::hears_friends, "hears-friends", false},
    AttackerWord{Attacker::Kind::secretive, "secretive", false},
    AttackerWord{Attacker::Kind::spam, "spam", true},
    AttackerWord{Attacker::Kind::forge, "forge", true},
    AttackerWord{Attacker::Kind::spoof, "spoof", true},
    AttackerWord{Attacker::Kind::crowd, "crowd", true},
    AttackerWord{Attacker::Kind::liar, "liar", true},
    AttackerWord{Attacker::Kind::replay, "replay", true},
    AttackerWord{Attacker::Kind::drizzle, "drizzle", true},
    AttackerWord{Attacker::Kind::echo, "echo", true},
};

struct ShapeWord {
    Shape shape;
    std::string_view word;
};
inline constexpr std::array shapes{
    ShapeWord{Shape::all, "all"},      ShapeWord{Shape::line, "line"},
    ShapeWord{Shape::ring, "ring"},    ShapeWord{Shape::star, "star"},
    ShapeWord{Shape::grid, "grid"},    ShapeWord{Shape::valley, "valley"},
    ShapeWord{Shape::street, "street"}};

struct UnitWord {
    std::string_view word;
    base::Duration duration;
};
/// The largest first.
inline constexpr std::array units{
    UnitWord{"d", std::chrono::hours(24)},        UnitWord{"h", std::chrono::hours(1)},
    UnitWord{"m", std::chrono::minutes(1)},       UnitWord{"s", std::chrono::seconds(1)},
    UnitWord{"ms", std::chrono::milliseconds(1)}, UnitWord{"us", std::chrono::microseconds(1)}};

}  // namespace meshchain::sim::words
