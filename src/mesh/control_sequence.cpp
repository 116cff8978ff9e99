#include "mesh/control_sequence.h"

#include <algorithm>
#include <limits>

#include "base/cursor.h"
#include "mesh/unix_seconds.h"

namespace meshchain::mesh {
namespace {

constexpr std::uint32_t epoch_max = std::numeric_limits<std::uint32_t>::max();

base::Bytes epoch_key() { return base::as_bytes("control_epoch"); }

/// The epoch of the run before; 0 if there was none.
std::expected<std::uint32_t, base::Error> read_epoch(kv::Store& store, kv::Table table) {
    MESH_TRY(const auto stored, store.get(table, epoch_key()));
    if (!stored) return 0U;
    base::Reader in(*stored);
    const std::uint32_t epoch = in.u32();
    if (in.finish("control epoch")) return epoch;
    return base::failure(base::Errc::corrupt,
                         std::to_string(stored->size()) + " bytes are no control epoch", "mesh",
                         "restore the store from a copy");
}

}  // namespace

std::expected<ControlSequence, base::Error> ControlSequence::open(kv::Store& store, kv::Table table,
                                                                  base::WallTime now) {
    MESH_TRY(const std::uint32_t before, read_epoch(store, table));
    if (before == epoch_max) {
        return base::failure(base::Errc::full, "the last control epoch is used", "mesh",
                             "make a new identity");
    }
    const std::uint32_t epoch = std::max(before + 1, unix_seconds(now));
    std::array<std::byte, 4> value;
    base::FixedWriter(value).u32(epoch);
    kv::Batch batch;
    batch.put(table, epoch_key(), value);
    batch.allow_reserve();  // without it a node with a full disk could not even say so
    MESH_CHECK(store.commit(batch));
    return ControlSequence(epoch);
}

std::optional<std::uint32_t> ControlSequence::next() {
    if (counter_ == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    return ++counter_;
}

}  // namespace meshchain::mesh
