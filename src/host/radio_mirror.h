#pragma once
// Tells people who have only the phone app of alarms, and of payments to this node's wallet, as
// plain texts on a channel of a radio (row E10). Off unless a radio's `mirror` says so.
//
// Of alarms those are told that become known here for the first time, so none twice over a restart,
// and none that is older than news_for. Alarms of a segment are for its members alone, and told to
// nobody. Of payments those that become FINAL while this node runs.
//
// Ownership: what Doors refers to outlives it.
// Threads:   the node's.

#include <set>
#include <vector>

#include "host/radio_links.h"
#include "node/node.h"
#include "records/record_service.h"

namespace meshchain::host {

/// "ALARM critical: Bag left (from a1b2c3d4)", the origin by the beginning of its key.
radio::MirrorText alarm_text(const records::Alert& alert, const crypto::PublicKey& origin);
/// "You were paid 12 (payment a1b2c3d4, to NODE)".
radio::MirrorText payment_text(const wallet::HistoryEntry& payment, std::string_view node_name);
/// Alarms go before all that can wait, and never before votes and blocks.
radio::Priority priority_of(records::AlertPriority priority);

class RadioMirror final : public records::RecordObserver {
public:
    static constexpr base::Duration news_for = std::chrono::minutes(10);
    /// Of a wallet's newest payments, looked through whenever something became FINAL.
    static constexpr std::size_t payments_seen = 256;

    struct Doors {
        RadioLinks& radios;
        node::Node& node;
        std::string node_name;
        crypto::PublicKey self;
    };
    explicit RadioMirror(Doors doors);
    /// Whether any radio mirrors anything.
    bool is_wanted() const { return mirrors_alerts_ || mirrors_payments_; }
    /// Before the node starts. Errors: those of runtime::EventLoop::register_handler.
    std::expected<void, base::Error> follow_payments();

    void handle_record(base::Now now, const wire::RecordId& id,
                       const wire::Record& record) override;
    /// After each step of the node: says what became known in it.
    void note_step(base::Now now);

private:
    struct Alarm {
        records::AlertPriority priority;
        radio::MirrorText text;
        radio::TextMirror::Knows knows;
    };
    void look_at_payments(base::Now now);
    void say_payment(base::Now now, const wallet::HistoryEntry& payment);

    Doors doors_;
    bool mirrors_alerts_ = false;
    bool mirrors_payments_ = false;
    std::vector<Alarm> alarms_;  ///< of this step
    bool is_final_moved_ = true;
    std::uint64_t told_before_ = 0;  ///< what has no higher sequence was there at the start
    std::set<wire::Txid> under_way_;
    bool has_looked_ = false;
};

}  // namespace meshchain::host
