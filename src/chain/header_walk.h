#pragma once
// The headers between a proven FINAL block and what this node has applied, walked downwards by
// parent hash: whatever links to a proven hash is proven too, so no signature is checked.
//
// Limits: the anchor is at most `headers_max` above FINAL; the owner refuses one further away.

#include <functional>
#include <optional>
#include <vector>

#include "wire/sync.h"

namespace meshchain::chain {

class HeaderWalk {
public:
    /// As many blocks as may wait for a FINAL at all, and the spacing of kept certificates.
    static constexpr std::size_t headers_max = 33'792;

    struct Entry {
        wire::Hash hash;
        wire::BlockHeader header;
    };
    enum class Step : std::uint8_t {
        progress,
        lie,            ///< they do not link: the fault of whoever gave them
        contradiction,  ///< what is proven to be final does not fit our own FINAL, or itself
    };
    /// The name of a header, or nothing if its proposer is no validator.
    using HeaderHash = std::function<std::optional<wire::Hash>(const wire::BlockHeader&)>;
    /// The block that this node has applied at a height, if any.
    using AppliedAt = std::function<std::optional<wire::Hash>(wire::Height)>;

    /// `anchor` is proven; it is above `final`, the height of our own.
    HeaderWalk(Entry anchor, wire::Height final, HeaderHash header_hash, AppliedAt applied_at);

    const Entry& anchor() const { return entries_.front(); }
    /// Whether the way down to the applied chain is known.
    bool is_done() const { return is_done_; }
    bool is_contradiction() const { return is_contradiction_; }
    /// The next headers to ask for. Only while not done.
    wire::Hash next_top() const { return entries_.back().header.parent; }
    std::uint16_t next_count() const;
    Step take(const std::vector<wire::BlockHeader>& headers);

    /// Of the lowest block on the way that is not applied. Only when done.
    wire::Height first() const { return entries_.back().header.height; }
    /// Of a height from `first` to the anchor's.
    const Entry& at(wire::Height height) const;

private:
    Step check_link();

    wire::Height final_;
    HeaderHash header_hash_;
    AppliedAt applied_at_;
    std::vector<Entry> entries_;  ///< downwards from the anchor
    bool is_done_ = false;
    bool is_contradiction_ = false;
};

}  // namespace meshchain::chain
