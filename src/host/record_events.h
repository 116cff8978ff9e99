#pragma once
// Tells the node's handlers and the readers of its event stream what records become known here.

#include <functional>

#include "crypto/identity.h"
#include "node/node.h"
#include "records/record_service.h"

namespace meshchain::host {

/// RECORD_TAKEN of each record, its kind as the number; ALERT_RECEIVED of an alert of others;
/// SEARCH_ANSWERED of each answer to a search of this node.
/// Ownership: the node outlives this.
class RecordEvents final : public records::RecordObserver {
public:
    /// `wake`: the node may have something to send, though nobody asked it for anything.
    RecordEvents(node::Node& node, const crypto::PublicKey& self, std::function<void()> wake)
        : node_(node), self_(self), wake_(std::move(wake)) {}

    void handle_record(base::Now, const wire::RecordId& id, const wire::Record& record) override {
        const runtime::EventId name{id.bytes, static_cast<std::uint64_t>(record.kind)};
        using runtime::EventType;
        wake_();
        node_.events().enqueue({EventType::record_taken, {}, "records", name});
        const bool is_alert = record.kind == wire::RecordKind::alert && !record.tombstone;
        if (is_alert && record.origin != self_) {
            node_.events().enqueue(
                {EventType::alert_received, runtime::EventPriority::high, "records", name});
        }
    }
    void handle_search_answer(base::Now, const crypto::PublicKey& by, std::size_t results,
                              const records::SearchView& search) override {
        const auto number = [](std::size_t n) { return static_cast<std::uint32_t>(n); };
        const runtime::EventSearch answer{.number = search.number,
                                          .by = crypto::node_id(by).bytes,
                                          .results = number(results),
                                          .asked = number(search.asked),
                                          .answered = number(search.answered),
                                          .late = number(search.late),
                                          .done = search.done};
        node_.events().enqueue({runtime::EventType::search_answered, {}, "records", answer});
    }

private:
    node::Node& node_;
    const crypto::PublicKey self_;
    const std::function<void()> wake_;
};

}  // namespace meshchain::host
