#include "consensus/certificate_store.h"

#include <limits>

#include "base/cursor.h"

namespace meshchain::consensus {
namespace {

base::Buffer key_of(std::uint32_t height) {
    base::Buffer key;
    base::Writer(key).u32(height);
    return key;
}

}  // namespace

void CertificateStore::add(kv::Batch& batch, wire::Height previous, wire::Height height,
                           const wire::Certificate& certificate, bool new_epoch) const {
    if (!new_epoch && previous != height && previous.value / spacing == height.value / spacing) {
        batch.erase(table_, key_of(previous.value));
    }
    batch.put(table_, key_of(height.value), wire::encode(certificate));
}

std::expected<std::optional<ProvenHeight>, base::Error> CertificateStore::first_of(
    kv::Range range) const {
    base::Buffer name;
    base::Buffer bytes;
    range.limit = 1;
    MESH_CHECK(store_->scan(range, [&](base::Bytes key, base::Bytes value) {
        name = base::to_buffer(key);
        bytes = base::to_buffer(value);
        return false;
    }));
    if (name.empty()) return std::nullopt;
    base::Reader in(name);
    const wire::Height height{in.u32()};
    auto certificate = wire::parse_certificate(bytes);
    if (!in.finish("height") || !certificate) {
        return base::failure(base::Errc::corrupt,
                             "certificate of height " + std::to_string(height.value), "consensus",
                             "stop the node and run `meshchain store salvage`");
    }
    return ProvenHeight{height, *std::move(certificate)};
}

std::expected<std::optional<ProvenHeight>, base::Error> CertificateStore::find(
    wire::Height from, wire::Height to) const {
    const bool bounded = to.value < std::numeric_limits<std::uint32_t>::max();
    const base::Buffer first = key_of(from.value);
    const base::Buffer above = bounded ? key_of(to.value + 1) : base::Buffer{};
    kv::Range within{.table = table_, .from = first, .to = above};
    within.reverse = true;
    MESH_TRY(auto found, first_of(within));
    if (found || !bounded) return found;
    return first_of({.table = table_, .from = above});
}

}  // namespace meshchain::consensus
