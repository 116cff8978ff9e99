#pragma once
// Finds where two sets of hashes differ by comparing sums over ranges: a range whose sums agree is
// the same on both sides, one that differs is cut into sixteen (range-based set reconciliation).
//
// A tree over the first hexadecimal digits of the members. What a node sums up changes with each
// insertion and removal, so that asking costs a look-up. Members are taken for hashes: evenly
// spread.
//
// Source:    Meyer, "Range-Based Set Reconciliation" (2023), with digits for bounds. Sums are
//            modulo 2^256, and are compared under a salt (records/reconciliation.h).
// Limits:    `members_of_leaf_max` members in a leaf, except below `digits_max` digits; about 130
//            bytes a member.
// Errors:    none.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace meshchain::coding {

class FingerprintTree {
public:
    static constexpr unsigned digits_max = 8;
    static constexpr std::size_t members_of_leaf_max = 16;
    static constexpr unsigned children_count = 16;
    using Member = std::array<std::byte, 32>;

    /// All members that begin with these hexadecimal digits.
    struct Prefix {
        std::uint32_t digits = 0;  ///< the first in the highest four bits; unused ones are zero
        std::uint8_t count = 0;    ///< 0 (everything) to digits_max

        Prefix child(unsigned digit) const {
            const unsigned shift = 4 * (digits_max - 1U - count);
            return {digits | static_cast<std::uint32_t>(digit) << shift,
                    static_cast<std::uint8_t>(count + 1)};
        }
        friend auto operator<=>(const Prefix&, const Prefix&) = default;
    };

    /// What a range holds: equal for equal sets, and as good as never for others.
    struct Summary {
        std::array<std::uint64_t, 4> sum{};  ///< of the members, the lowest 64 bits first
        std::uint32_t count = 0;
        friend bool operator==(const Summary&, const Summary&) = default;
    };

    FingerprintTree();

    /// False, and nothing changed, if it is a member.
    bool insert(const Member& member);
    /// False if it is none.
    bool erase(const Member& member);
    bool contains(const Member& member) const { return members_.contains(member); }
    std::size_t size() const { return members_.size(); }

    Summary summary(const Prefix& prefix) const;
    /// The members of a range, ascending, until `visit` returns false.
    template <class Visit>
    void for_each(const Prefix& prefix, Visit visit) const {
        for (auto next = members_.lower_bound(first_of(prefix));
             next != members_.end() && covers(prefix, *next); ++next) {
            if (!visit(*next)) return;
        }
    }

    /// The first member whose front 64 bits are these.
    std::optional<Member> with_front(std::uint64_t front) const;

    static bool covers(const Prefix& prefix, const Member& member);
    void check_invariants() const;

private:
    /// A leaf has no children; the others have sixteen, side by side.
    struct Node {
        Summary summary;
        std::uint32_t children = none;
    };
    static constexpr std::uint32_t none = 0xffff'ffff;

    static Member first_of(const Prefix& prefix);
    void split(std::uint32_t index, const Prefix& prefix);
    void merge(std::uint32_t index);

    std::set<Member> members_;
    std::vector<Node> nodes_;
    std::vector<std::uint32_t> free_;  ///< blocks of sixteen that are not in use
};

}  // namespace meshchain::coding
