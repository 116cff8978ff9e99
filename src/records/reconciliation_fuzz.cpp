// Any bytes are refused or mean the same when written again, and answering them stays in bounds.

#include "records/reconciliation.h"

#include "base/assert.h"
#include "wire/test_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meshchain;
    const auto body = std::as_bytes(std::span(data, size));
    if (size > records::ReconcileMessage::message_bytes_max) return 0;
    wire::test::parse_then_encode(body, records::parse_reconcile);
    const auto message = records::parse_reconcile(body);
    if (!message) return 0;
    static const coding::FingerprintTree tree = [] {
        coding::FingerprintTree filled;
        for (std::uint8_t i = 0; i < 200; ++i) {
            filled.insert(
                crypto::hash(base::Bytes(reinterpret_cast<const std::byte*>(&i), 1)).bytes);
        }
        return filled;
    }();
    const auto answer =
        records::answer_reconciliation(*message, tree, 7, [](const auto&) { return true; });
    MESH_ASSERT(answer.messages.size() <= records::answer_messages_max);
    MESH_ASSERT(answer.to_send.size() <= records::records_per_answer_max);
    for (const base::Buffer& reply : answer.messages) MESH_ASSERT(records::parse_reconcile(reply));
    return 0;
}
