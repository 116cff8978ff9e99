#pragma once
// The rules of votes, justification, finality and set changes (PROTOCOL.md P3) apart from the code:
// every history of a few blocks and rounds, whatever is lost, late or said twice.
//
// Rounds come one after the other. In each, every honest validator signs nothing (it crashed, or
// the round is idle) or one vote that the signing rule allows, from any source that all votes so
// far justify and that it may have heard of, to any block that may exist. That is more than an
// honest validator would do, so what never happens here never happens. A faulty validator has said
// everything to everybody: it counts for each link. Validators that sit in the same sets and last
// signed the same source are told apart by nothing, so one order of their choices stands for all.
//
// Limits: 8 blocks, each after its parent; 7 rounds; 8 honest validators.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace meshchain::model {

using Bits = std::uint32_t;

/// A block of the tree; block 0 is the root, justified and final at round 0.
struct Block {
    int parent = 0;
    int slot = 0;
    int epoch = 0;
    /// It raises the epoch: it exists only once an ancestor of its parent's epoch is final.
    bool raises = false;
    std::vector<Bits> sets;  ///< by epoch, on this branch: who counts, each with stake 1
};

/// What may be left out to see what it is for.
struct Rules {
    bool previous_set_too = true;    ///< 2/3 of the set of the epoch before as well
    bool raise_needs_final = true;   ///< else: from a local view
    bool source_never_falls = true;  ///< S >= last signed source
    bool one_vote_a_round = true;    ///< T.round > last signed round
    bool exact_source = true;        ///< finality by links from the checkpoint itself
};

struct Scenario {
    std::vector<Block> blocks;
    int validators = 4;
    Bits faulty = 0;
    int rounds = 4;
    Rules rules = {};
};

struct Outcome {
    std::size_t states = 0;
    std::optional<std::string> conflict;  ///< two final blocks, neither above the other
    bool any_final = false;               ///< something above the root
};

/// Visits every state, or stops at the first conflict.
class Explorer {
public:
    explicit Explorer(Scenario scenario) : scenario_(std::move(scenario)) {
        for (int v = 0; v < scenario_.validators; ++v) {
            if ((scenario_.faulty >> v & 1U) == 0) honest_.push_back(v);
        }
        std::ranges::sort(honest_, {}, [&](int v) { return std::pair(seats_of(v), v); });
        for (std::size_t i = 0; i + 1 < honest_.size(); ++i) {
            alike_.push_back(seats_of(honest_[i]) == seats_of(honest_[i + 1]));
        }
        alike_.push_back(false);
        for (int upper = 0; upper < size(); ++upper) {
            below_.push_back(0);
            for (int at = upper; at != 0; at = block(at).parent) below_.back() |= bit(at);
            below_.back() |= bit(0);
        }
    }

    Outcome run() {
        State start;
        start.justified = 1;
        start.finals = 1;
        std::set<State> level{start};
        for (int round = 1; round <= scenario_.rounds && !outcome_.conflict; ++round) {
            std::set<State> next;
            for (const State& state : level) {
                expand(state, round, next);
                if (outcome_.conflict) break;
            }
            outcome_.states += next.size();
            level = std::move(next);
        }
        return outcome_;
    }

private:
    static constexpr int blocks_max = 8;
    static constexpr std::size_t honest_max = 8;
    /// A checkpoint is round * blocks_max + block.
    using Checkpoint = std::uint8_t;

    struct State {
        std::uint64_t justified = 0;  ///< checkpoints
        Bits finals = 0;              ///< blocks
        std::array<Checkpoint, honest_max> last_source{};
        auto operator<=>(const State&) const = default;
    };
    /// What a validator may say in a round, as far as it matters.
    struct Choice {
        Bits justifies = 0;  ///< blocks between source and target
        Bits finalises = 0;  ///< blocks that were justified in the round before
        Checkpoint source = 0;
        auto operator<=>(const Choice&) const = default;
    };
    using Choices = std::array<std::vector<Choice>, honest_max>;
    using Said = std::array<Choice, honest_max>;

    static constexpr Bits bit(int index) { return Bits{1} << index; }
    static constexpr int round_of(Checkpoint checkpoint) { return checkpoint / blocks_max; }
    static constexpr int block_of(Checkpoint checkpoint) { return checkpoint % blocks_max; }
    int size() const { return static_cast<int>(scenario_.blocks.size()); }
    const Block& block(int index) const {
        return scenario_.blocks[static_cast<std::size_t>(index)];
    }
    /// The block and all below it.
    Bits below(int index) const { return below_[static_cast<std::size_t>(index)]; }
    bool is_above(int upper, int lower) const { return (below(upper) & bit(lower)) != 0; }
    /// The protocol's order: round, then slot. Two of one round and slot are neither less.
    bool precedes(Checkpoint a, Checkpoint b) const {
        return std::pair(round_of(a), block(block_of(a)).slot) <
               std::pair(round_of(b), block(block_of(b)).slot);
    }

    /// In which sets of which blocks a validator sits.
    std::vector<bool> seats_of(int validator) const {
        std::vector<bool> seats;
        for (const Block& each : scenario_.blocks) {
            for (const Bits set : each.sets) seats.push_back((set >> validator & 1U) != 0);
        }
        return seats;
    }

    bool exists(int index, Bits finals) const {
        for (int at = index; at != 0; at = block(at).parent) {
            if (!block(at).raises || !scenario_.rules.raise_needs_final) continue;
            const int parent = block(at).parent;
            bool proven = false;
            for (int z = 0; z <= parent; ++z) {
                proven = proven || (is_above(parent, z) && (finals & bit(z)) != 0 &&
                                    block(z).epoch == block(parent).epoch);
            }
            if (!proven) return false;
        }
        return true;
    }

    bool is_quorum(Bits voters, int index) const {
        const Block& of = block(index);
        const auto reaches = [&](int epoch) {
            const Bits set = of.sets[static_cast<std::size_t>(std::max(epoch, 0))];
            return 3 * std::popcount(voters & set) > 2 * std::popcount(set);
        };
        return reaches(of.epoch) && (!scenario_.rules.previous_set_too || reaches(of.epoch - 1));
    }

    Choice vote(Checkpoint source, int target, int round) const {
        Choice choice{0, 0, source};
        for (int b = 0; b < size(); ++b) {
            if (is_above(target, b) && is_above(b, block_of(source))) choice.justifies |= bit(b);
        }
        if (!scenario_.rules.exact_source) {
            choice.finalises = below(target);
        } else if (round_of(source) + 1 == round) {
            choice.finalises = bit(block_of(source));
        }
        return choice;
    }

    /// Everything that a validator may say in this round, silence first.
    std::vector<Choice> choices(const State& state, Checkpoint last, int round) const {
        std::vector<Choice> votes;
        for (Checkpoint source = 0; source < round * blocks_max; ++source) {
            if ((state.justified >> source & 1U) == 0) continue;
            if (scenario_.rules.source_never_falls && precedes(source, last)) continue;
            for (int target = block_of(source); target < size(); ++target) {
                if (is_above(target, block_of(source)) && exists(target, state.finals)) {
                    votes.push_back(vote(source, target, round));
                }
            }
        }
        std::set<Choice> all(votes.begin(), votes.end());
        all.insert(Choice{0, 0, last});
        if (!scenario_.rules.one_vote_a_round) {
            for (const Choice& a : votes) {
                for (const Choice& b : votes) {
                    all.insert({a.justifies | b.justifies, a.finalises | b.finalises,
                                std::max(a.source, b.source)});
                }
            }
        }
        return {all.begin(), all.end()};
    }

    void expand(const State& state, int round, std::set<State>& next) {
        Choices all;
        for (std::size_t i = 0; i < honest_.size(); ++i) {
            all[i] = choices(state, state.last_source[i], round);
        }
        Said said{};
        choose(state, round, all, said, 0, 0, next);
    }

    void choose(const State& state, int round, const Choices& all, Said& said, std::size_t at,
                std::size_t first, std::set<State>& next) {
        if (outcome_.conflict) return;
        if (at == honest_.size()) {
            next.insert(conclude(state, round, said));
            return;
        }
        const bool same = alike_[at] && state.last_source[at] == state.last_source[at + 1];
        for (std::size_t i = first; i < all[at].size(); ++i) {
            said[at] = all[at][i];
            choose(state, round, all, said, at + 1, same ? i : 0, next);
        }
    }

    Bits voters(const Said& said, Bits Choice::* kind, int index) const {
        Bits result = scenario_.faulty;
        for (std::size_t i = 0; i < honest_.size(); ++i) {
            if ((said[i].*kind & bit(index)) != 0) result |= bit(honest_[i]);
        }
        return result;
    }

    State conclude(const State& before, int round, const Said& said) {
        State after = before;
        for (int b = 0; b < size(); ++b) {
            if (exists(b, before.finals) && is_quorum(voters(said, &Choice::justifies, b), b)) {
                after.justified |= std::uint64_t{1} << (round * blocks_max + b);
            }
            const bool was_justified =
                (before.justified >> ((round - 1) * blocks_max + b) & 1U) != 0;
            if (was_justified && is_quorum(voters(said, &Choice::finalises, b), b)) {
                after.finals |= bit(b);
            }
        }
        for (std::size_t i = 0; i < honest_.size(); ++i) {
            if (precedes(after.last_source[i], said[i].source)) {
                after.last_source[i] = said[i].source;
            }
        }
        judge(after);
        for (std::size_t i = 0; i < honest_.size();) {
            std::size_t end = i + 1;
            while (end < honest_.size() && alike_[end - 1]) ++end;
            std::sort(after.last_source.begin() + static_cast<std::ptrdiff_t>(i),
                      after.last_source.begin() + static_cast<std::ptrdiff_t>(end));
            i = end;
        }
        return after;
    }

    void judge(const State& state) {
        for (int a = 1; a < size(); ++a) {
            if ((state.finals & bit(a)) == 0) continue;
            outcome_.any_final = true;
            for (int b = a + 1; b < size(); ++b) {
                if ((state.finals & bit(b)) != 0 && !is_above(b, a)) {
                    outcome_.conflict = "blocks " + std::to_string(a) + " and " + std::to_string(b);
                }
            }
        }
    }

    Scenario scenario_;
    std::vector<int> honest_;
    std::vector<bool> alike_;  ///< whether the honest validator of a place and the next one are
    std::vector<Bits> below_;
    Outcome outcome_;
};

}  // namespace meshchain::model
