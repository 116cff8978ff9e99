#pragma once
// One table of a store, read around whatever is damaged in it: behind damage it goes on with the
// next entry that can be read.
//
// Time:      damage costs some hundred look-ups.
// Ownership: the view outlives the reader.

#include <array>
#include <functional>
#include <optional>
#include <string>

#include "kv/limits.h"
#include "kv/store.h"

namespace meshchain::host {

/// Of a store itself: neither that it is another chain's, nor that its medium does not answer now.
inline bool is_damage(const base::Error& error) {
    return error.code != base::Errc::io && error.code != base::Errc::wrong_chain;
}

class TableReader {
public:
    using OnEntry =
        std::function<std::expected<void, base::Error>(base::Bytes key, base::Bytes value)>;
    /// Gets the last key before it that could be read, in hexadecimal digits; says whether to go
    /// on.
    using OnDamage = std::function<bool(const std::string& after, const base::Error&)>;

    TableReader(kv::View& view, kv::Table table) : view_(view), table_(table) {}

    /// Errors: those of `on_entry`, which may be empty; io.
    std::expected<void, base::Error> run(const OnEntry& on_entry, const OnDamage& on_damage);
    /// Entries that could be read.
    std::uint64_t count() const { return count_; }

private:
    /// A place among keys as a big number: a key with zeros behind it.
    using Position = std::array<std::byte, kv::key_bytes_max>;

    static Position after(base::Bytes key);
    static std::optional<Position> plus(Position position, std::size_t bit);
    bool can_read(const Position& from);
    std::optional<Position> beyond_damage(Position at);

    kv::View& view_;
    kv::Table table_;
    Position last_{};
    std::string last_key_;
    std::uint64_t count_ = 0;
    std::optional<base::Error> failure_;
};

}  // namespace meshchain::host
