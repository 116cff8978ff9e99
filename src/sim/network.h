#pragma once
// A network of datagrams: who hears whom, and what becomes of each datagram on its way. Lossless
// like a LAN or as bad as a scenario says: loss, delay, reordering, duplicates, damaged bytes,
// partitions and cuts that let one direction through.
//
// Time: none; it says how long each copy takes.

#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"

namespace meshchain::sim {

struct LinkQuality {
    base::Duration delay_min = std::chrono::microseconds(200);
    base::Duration delay_max = std::chrono::milliseconds(5);
    unsigned loss_permille = 0;
    unsigned duplicate_permille = 0;
    unsigned corrupt_permille = 0;
    /// So many are overtaken: they take up to ten times delay_max.
    unsigned late_permille = 0;
    friend bool operator==(const LinkQuality&, const LinkQuality&) = default;
};

/// Nothing for a name that is not lan, wifi, bad, poor or awful.
std::optional<LinkQuality> quality_of(std::string_view name);

/// What one datagram becomes: nothing, or copies that arrive after so long.
struct Copy {
    base::Duration delay;
    bool damaged = false;
};

/// Two at most, without an allocation: a group of a thousand is asked a thousand times.
class Copies {
public:
    Copy& add() { return all_[count_++]; }
    const Copy* begin() const { return all_.data(); }
    const Copy* end() const { return all_.data() + count_; }
    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }
    const Copy& operator[](std::size_t index) const { return all_[index]; }

private:
    std::array<Copy, 2> all_{};
    std::size_t count_ = 0;
};

class Network {
public:
    Network(std::size_t machines, base::Random random)
        : side_(machines, 0), linked_(machines), random_(random) {}

    void set_quality(const LinkQuality& quality) { quality_ = quality; }
    const LinkQuality& quality() const { return quality_; }
    /// Machines of different sides do not hear each other; those that are named nowhere are one
    /// side more. None: no partition.
    void partition(const std::vector<std::set<std::size_t>>& sides);
    /// Nothing that `from` sends reaches `to`, until heal().
    void cut(std::size_t from, std::size_t to) { cuts_.insert({from, to}); }
    /// No partition and no cut any more; links() stay.
    void heal();
    /// Only these pairs are in reach of each other, both ways. None: everybody is.
    void set_links(const std::vector<std::pair<std::size_t, std::size_t>>& links);

    bool hears(std::size_t to, std::size_t from) const;
    /// By a partition or a cut, whatever medium is between them.
    bool is_cut_off(std::size_t to, std::size_t from) const;
    /// Those in reach of it by its links, whatever cuts them off now; nothing: everybody.
    const std::set<std::size_t>* in_reach(std::size_t from) const {
        return is_open_ ? nullptr : &linked_[from];
    }
    /// Empty: lost.
    Copies carry(std::size_t from, std::size_t to);
    /// Some of its bytes, at least one, are others now.
    void damage(base::MutableBytes datagram);

private:
    std::vector<std::size_t> side_;
    std::vector<std::set<std::size_t>> linked_;
    bool is_open_ = true;  ///< everybody is in reach
    std::set<std::pair<std::size_t, std::size_t>> cuts_;
    LinkQuality quality_;
    base::Random random_;
};

}  // namespace meshchain::sim
