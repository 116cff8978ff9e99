#include "coding/fingerprint_tree.h"

#include "base/assert.h"

namespace meshchain::coding {
namespace {

using Member = FingerprintTree::Member;
using Summary = FingerprintTree::Summary;

/// A member as a number, the lowest 64 bits first.
std::array<std::uint64_t, 4> number_of(const Member& member) {
    std::array<std::uint64_t, 4> number{};
    for (std::size_t i = 0; i < member.size(); ++i) {
        std::uint64_t& word = number[i / 8];
        word = word << 8 | std::to_integer<std::uint64_t>(member[i]);
    }
    return number;
}

void add(Summary& summary, const Member& member) {
    const auto number = number_of(member);
    bool carry = false;
    for (std::size_t i = 0; i < number.size(); ++i) {
        const std::uint64_t with_carry = summary.sum[i] + (carry ? 1 : 0);
        carry = carry && with_carry == 0;
        summary.sum[i] = with_carry + number[i];
        carry = carry || summary.sum[i] < with_carry;
    }
    ++summary.count;
}

void subtract(Summary& summary, const Member& member) {
    const auto number = number_of(member);
    bool borrow = false;
    for (std::size_t i = 0; i < number.size(); ++i) {
        const std::uint64_t before = summary.sum[i];
        const std::uint64_t less = before - (borrow ? 1 : 0);
        borrow = (borrow && before == 0) || less < number[i];
        summary.sum[i] = less - number[i];
    }
    --summary.count;
}

unsigned digit_of(const Member& member, unsigned position) {
    const auto byte = std::to_integer<unsigned>(member[position / 2]);
    return position % 2 == 0 ? byte >> 4 : byte & 0xf;
}

}  // namespace

FingerprintTree::FingerprintTree() : nodes_(1) {}

bool FingerprintTree::covers(const Prefix& prefix, const Member& member) {
    for (unsigned i = 0; i < prefix.count; ++i) {
        const unsigned digit = prefix.digits >> (4 * (digits_max - 1 - i)) & 0xf;
        if (digit_of(member, i) != digit) return false;
    }
    return true;
}

FingerprintTree::Member FingerprintTree::first_of(const Prefix& prefix) {
    Member first{};
    for (unsigned i = 0; i < 4; ++i) first[i] = std::byte(prefix.digits >> (24 - 8 * i) & 0xff);
    return first;
}

std::optional<Member> FingerprintTree::with_front(std::uint64_t front) const {
    Member first{};
    for (unsigned i = 0; i < 8; ++i) first[i] = static_cast<std::byte>(front >> (56 - 8 * i));
    const auto found = members_.lower_bound(first);
    if (found == members_.end() || number_of(*found)[0] != front) return std::nullopt;
    return *found;
}

bool FingerprintTree::insert(const Member& member) {
    if (!members_.insert(member).second) return false;
    std::uint32_t index = 0;
    Prefix prefix;
    for (;;) {
        add(nodes_[index].summary, member);
        if (nodes_[index].children == none) break;
        const unsigned digit = digit_of(member, prefix.count);
        index = nodes_[index].children + digit;
        prefix = prefix.child(digit);
    }
    // All members of a leaf may go on with the same digit.
    while (prefix.count < digits_max && nodes_[index].summary.count > members_of_leaf_max) {
        split(index, prefix);
        const unsigned digit = digit_of(member, prefix.count);
        index = nodes_[index].children + digit;
        prefix = prefix.child(digit);
    }
    return true;
}

bool FingerprintTree::erase(const Member& member) {
    if (members_.erase(member) == 0) return false;
    std::uint32_t index = 0;
    for (unsigned position = 0;; ++position) {
        subtract(nodes_[index].summary, member);
        if (nodes_[index].children == none) return true;
        // Half of what makes it split, so that one member that comes and goes moves nothing.
        if (nodes_[index].summary.count <= members_of_leaf_max / 2) {
            merge(index);
            return true;
        }
        index = nodes_[index].children + digit_of(member, position);
    }
}

void FingerprintTree::split(std::uint32_t index, const Prefix& prefix) {
    std::uint32_t first = 0;
    if (free_.empty()) {
        first = static_cast<std::uint32_t>(nodes_.size());
        nodes_.resize(nodes_.size() + children_count);
    } else {
        first = free_.back();
        free_.pop_back();
        for (unsigned i = 0; i < children_count; ++i) nodes_[first + i] = Node{};
    }
    nodes_[index].children = first;
    for_each(prefix, [&](const Member& member) {
        add(nodes_[first + digit_of(member, prefix.count)].summary, member);
        return true;
    });
}

void FingerprintTree::merge(std::uint32_t index) {
    const std::uint32_t first = nodes_[index].children;
    nodes_[index].children = none;
    for (unsigned i = 0; i < children_count; ++i) {
        if (nodes_[first + i].children != none) merge(first + i);
    }
    free_.push_back(first);
}

FingerprintTree::Summary FingerprintTree::summary(const Prefix& prefix) const {
    std::uint32_t index = 0;
    for (unsigned i = 0; i < prefix.count; ++i) {
        if (nodes_[index].children == none) {
            Summary counted;
            for_each(prefix, [&](const Member& member) {
                add(counted, member);
                return true;
            });
            return counted;
        }
        index = nodes_[index].children + (prefix.digits >> (4 * (digits_max - 1 - i)) & 0xf);
    }
    return nodes_[index].summary;
}

void FingerprintTree::check_invariants() const {
    struct Place {
        std::uint32_t index;
        Prefix prefix;
    };
    std::vector<Place> places{{0, {}}};
    std::size_t blocks = free_.size();
    while (!places.empty()) {
        const Place place = places.back();
        places.pop_back();
        Summary counted;
        for_each(place.prefix, [&](const Member& member) {
            add(counted, member);
            return true;
        });
        const Node& node = nodes_[place.index];
        MESH_ASSERT(counted == node.summary);
        if (node.children == none) {
            MESH_ASSERT(counted.count <= members_of_leaf_max || place.prefix.count == digits_max);
            continue;
        }
        ++blocks;
        for (unsigned i = 0; i < children_count; ++i) {
            places.push_back({node.children + i, place.prefix.child(i)});
        }
    }
    MESH_ASSERT(nodes_.size() == 1 + blocks * children_count);
}

}  // namespace meshchain::coding
