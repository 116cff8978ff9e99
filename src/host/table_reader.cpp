#include "host/table_reader.h"

#include <algorithm>

namespace meshchain::host {

TableReader::Position TableReader::after(base::Bytes key) {
    Position position{};
    std::ranges::copy(key, position.begin());
    return position;
}

/// position + 2^bit; nothing behind the last possible key.
std::optional<TableReader::Position> TableReader::plus(Position position, std::size_t bit) {
    unsigned carry = 1U << (bit % 8);
    for (std::size_t at = position.size() - 1 - bit / 8;; --at) {
        carry += std::to_integer<unsigned>(position[at]);
        position[at] = static_cast<std::byte>(carry & 0xff);
        carry >>= 8;
        if (carry == 0) return position;
        if (at == 0) return std::nullopt;
    }
}

std::expected<void, base::Error> TableReader::run(const OnEntry& on_entry,
                                                  const OnDamage& on_damage) {
    std::optional<Position> from = Position{};
    for (bool is_start = true; from; is_start = false) {
        std::expected<void, base::Error> taken;
        const auto done =
            view_.scan({.table = table_, .from = is_start ? base::Bytes() : base::Bytes(*from)},
                       [&](base::Bytes key, base::Bytes value) {
                           if (on_entry) taken = on_entry(key, value);
                           last_ = after(key);
                           last_key_ = base::to_hex(key);
                           ++count_;
                           return taken.has_value();
                       });
        MESH_CHECK(taken);
        if (!done && !is_damage(done.error())) return std::unexpected(done.error());
        if (done || !on_damage(last_key_, done.error())) break;
        from = beyond_damage(is_start && count_ == 0 ? Position{} : std::max(last_, *from));
        if (failure_) return std::unexpected(*failure_);
    }
    return {};
}

/// A medium that does not answer is no damage to step over: `failure_` ends the reading.
bool TableReader::can_read(const Position& from) {
    const auto read = view_.scan({.table = table_, .from = from, .limit = 1},
                                 [](base::Bytes, base::Bytes) { return true; });
    if (!read && !is_damage(read.error())) failure_ = read.error();
    return read.has_value();
}

/// The least position behind `at` from which the next entry can be read, found by steps that
/// double and then halve.
std::optional<TableReader::Position> TableReader::beyond_damage(Position at) {
    std::size_t bit = 0;
    std::optional<Position> sound;
    for (; bit < at.size() * 8; ++bit) {
        sound = plus(at, bit);
        if (!sound || can_read(*sound)) break;
    }
    if (!sound || bit == at.size() * 8) return std::nullopt;
    while (bit-- > 0) {
        const auto middle = plus(at, bit);
        if (middle && can_read(*middle)) {
            sound = middle;
        } else if (middle) {
            at = *middle;
        }
    }
    return sound;
}

}  // namespace meshchain::host
