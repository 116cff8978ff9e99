// The stream of an export, as bytes from a stranger: read whole or refused; what was read in full
// can be written again.

#include "base/assert.h"
#include "host/store_export.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const base::Bytes input(reinterpret_cast<const std::byte*>(data), size);
    base::Bytes rest = input;
    base::Buffer again;
    host::StoreExportWriter writer([&](base::Bytes bytes) -> std::expected<void, base::Error> {
        again.insert(again.end(), bytes.begin(), bytes.end());
        return {};
    });
    std::uint64_t entries = 0;
    host::StoreExportReader reader{
        .source = [&](base::MutableBytes out) -> std::expected<std::size_t, base::Error> {
            const std::size_t got = std::min(out.size(), rest.size());
            std::copy_n(rest.begin(), got, out.begin());
            rest = rest.subspan(got);
            return got;
        },
        .on_head = [&](const host::ExportHead& head) { return writer.begin(head); },
        .on_entry =
            [&](kv::Table table, base::Bytes key, base::Bytes value) {
                ++entries;
                return writer.put(table, key, value);
            }};
    const auto end = reader.run();
    if (!end) return 0;
    MESH_ASSERT(end->entries == entries);
    // Parts may be cut elsewhere by another writer; one part of entries is always the same.
    const auto finished = writer.finish();
    MESH_ASSERT(finished.has_value() && finished->entries == entries);
    return 0;
}
