// Kodikon's datagrams: whatever is taken means the same once it was written and read again, and
// what is made of it is a record with its mark.

#include "base/assert.h"
#include "host/kodikon_message.h"
#include "host/kodikon_translation.h"

namespace {

using namespace meshchain;

void translate(const host::KodikonMessage& message) {
    if (const auto read = host::read_kodikon_alert(message)) {
        MESH_ASSERT(encode(read->alert).size() <= wire::record_body_bytes_max(8, false));
        const auto mark = host::kodikon_mark(read->alert.payload);
        MESH_ASSERT(mark && mark->content == host::kodikon_content(message));
    }
    for (const host::KodikonEntry& one : host::read_kodikon_entries(message).entries) {
        MESH_ASSERT(records::check(one.hash, one.entry).has_value());
        MESH_ASSERT(host::kodikon_mark(one.entry.metadata).has_value());
    }
    static_cast<void>(host::read_kodikon_state(message));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = host::parse_kodikon(std::as_bytes(std::span(data, size)));
    if (!message) return 0;
    // As the bridge asks before.
    if (host::is_kodikon_id(message->source)) translate(*message);
    // Numbers may need more digits than they came with.
    const auto written = encode(*message);
    if (!written) return 0;
    const auto again = host::parse_kodikon(*written);
    MESH_ASSERT(again && *again == *message);
    return 0;
}
