#include "host/metrics.h"

#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

namespace meshchain::host {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// Families in the order in which they were added.
class Families {
public:
    void gauge(std::string name, std::string help, double value) {
        add(MetricType::Gauge, std::move(name), std::move(help));
        sample({}, value);
    }
    void counter(std::string name, std::string help, std::uint64_t value) {
        add(MetricType::Counter, std::move(name), std::move(help));
        sample({}, static_cast<double>(value));
    }
    /// A family whose samples follow.
    void add(MetricType type, std::string name, std::string help) {
        all_.push_back({"meshchain_" + std::move(name), std::move(help), type, {}});
    }
    void add_foreign(MetricType type, std::string name, std::string help, double value) {
        all_.push_back({std::move(name), std::move(help), type, {}});
        sample({}, value);
    }
    void sample(std::vector<ClientMetric::Label> labels, double value) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.gauge.value = metric.counter.value = value;
        all_.back().metric.push_back(std::move(metric));
    }
    /// Bounds and sum in seconds.
    void histogram(std::string name, std::string help, const chain::ArrivalTimes& times) {
        add(MetricType::Histogram, std::move(name), std::move(help));
        ClientMetric::Histogram histogram;
        histogram.sample_count = times.count();
        histogram.sample_sum = std::chrono::duration<double>(times.sum()).count();
        std::uint64_t so_far = 0;
        for (std::size_t i = 0; i < times.counts().size(); ++i) {
            so_far += times.counts()[i];
            const double end = i < times.ends.size()
                                   ? std::chrono::duration<double>(times.ends[i]).count()
                                   : std::numeric_limits<double>::infinity();
            histogram.bucket.push_back({so_far, end});
        }
        ClientMetric metric;
        metric.histogram = std::move(histogram);
        all_.back().metric.push_back(std::move(metric));
    }
    std::string text() const { return prometheus::TextSerializer().Serialize(all_); }

private:
    std::vector<MetricFamily> all_;
};

/// One sample for each of the states: 1 for the present one.
template <class States>
void add_states(Families& out, const char* name, const char* help, std::string_view present,
                const States& states) {
    out.add(MetricType::Gauge, name, help);
    for (const std::string_view state : states) {
        out.sample({{"state", std::string(state)}}, state == present ? 1 : 0);
    }
}

constexpr std::string_view node_state_names[] = {"INITIALIZING", "WAITING_PEERS", "SYNCING",
                                                 "SYNCHRONIZED", "VALIDATING",    "ERROR",
                                                 "SHUTTING_DOWN"};
constexpr std::string_view quota_levels[] = {"ok", "warning_80", "warning_95", "full"};
constexpr std::string_view sync_state_names[] = {"IDLE", "SYNCING", "SYNCED", "BEHIND", "ERROR"};

void add_chain(Families& out, const node::StatusView& status) {
    add_states(out, "node_state", "State of the node.", name(status.state), node_state_names);
    out.gauge("uptime_seconds", "Since the node started.",
              std::chrono::duration<double>(status.uptime).count());
    out.gauge("slot", "Present slot.", status.slot.value);
    out.gauge("height", "Height of the tip.", status.height.value);
    out.gauge("final_height", "Height of the latest FINAL block.", status.final_height.value);
    out.gauge("stake_online_ratio", "Share of the stake heard lately.",
              status.online_percent / 100.0);
    out.gauge("clock_checked", "Whether enough validators confirm the clock.",
              status.clock_checked ? 1 : 0);
    out.counter("blocks_applied_total", "Blocks applied.", status.blocks_applied);
    out.counter("blocks_reverted_total", "Blocks taken back.", status.blocks_reverted);
    out.counter("blocks_proposed_total", "Blocks proposed by this node.", status.blocks_proposed);
    out.histogram("block_arrival_seconds",
                  "From a leader's turn until its announced block was here whole.",
                  status.arrival_times);
    out.counter("evidence_found_total", "Proofs of validators that signed twice.",
                status.evidence_found);
    out.gauge("mempool_transactions", "Transactions that wait for a block.",
              static_cast<double>(status.mempool_transactions));
    out.gauge("mempool_bytes", "Bytes of these.", static_cast<double>(status.mempool_bytes));
    add_states(out, "sync_state", "State of catching up.", status.sync.state, sync_state_names);
    out.gauge("sync_ratio", "How much of the chain that peers show is here.",
              status.sync.percent / 100.0);
    out.gauge("stalled", "Whether too many blocks wait for FINAL.", status.stalled ? 1 : 0);
    out.gauge("undo_blocks", "Applied blocks above FINAL.", status.undo_blocks);
    out.gauge("undo_blocks_limit", "How many of them may be.", status.undo_blocks_max);
    out.gauge("history_start", "Blocks above this height are held.", status.history_start.value);
    out.counter("blocks_pruned_total", "Blocks forgotten.", status.blocks_pruned);
    out.gauge("store_bytes", "Bytes of the store.", static_cast<double>(status.storage_bytes));
    out.gauge("store_limit_bytes", "Bytes it may have; 0: no limit.",
              static_cast<double>(status.storage_limit_bytes));
    add_states(out, "store_level", "How full the store is.", status.storage_level, quota_levels);
    out.gauge("store_refuses", "Whether commits were refused within the last minute.",
              status.storage_refused.empty() ? 0 : 1);
    out.gauge("store_damaged_rows", "Damaged rows that wait to be healed.",
              static_cast<double>(status.storage_damaged));
    out.counter("store_healed_rows_total", "Damaged rows that were healed.", status.storage_healed);
    out.gauge("problems", "Problems that the status names.",
              static_cast<double>(status.problems.size()));
}

template <class Value>
void add_by_type(Families& out, const char* name, const char* help, const mesh::Stats& traffic,
                 Value value) {
    out.add(MetricType::Counter, name, help);
    for (std::size_t i = 0; i < traffic.types.size(); ++i) {
        const mesh::TypeCounters& counters = traffic.types[i];
        if (counters.received == 0 && counters.sent == 0) continue;
        const auto type = static_cast<wire::MessageType>(i);
        std::string type_name(wire::name(type));
        // Types of embedding programs have numbers only, and two series must not be one.
        if (type_name == "UNKNOWN") type_name = std::to_string(i);
        out.sample({{"type", std::move(type_name)}}, static_cast<double>(value(counters)));
    }
}

void add_network(Families& out, const node::StatusView& status, const mesh::Stats& traffic) {
    using Counters = mesh::TypeCounters;
    out.gauge("peers", "Peers with a session.", static_cast<double>(status.peers));
    add_by_type(out, "frames_received_total", "Well-formed frames.", traffic,
                [](const Counters& c) { return c.received; });
    add_by_type(out, "frames_accepted_total", "Frames that were kept or relayed.", traffic,
                [](const Counters& c) { return c.accepted; });
    add_by_type(out, "frames_sent_total", "Datagrams sent.", traffic,
                [](const Counters& c) { return c.sent; });
    add_by_type(out, "frames_relayed_total", "Datagrams sent on for others.", traffic,
                [](const Counters& c) { return c.relayed; });
    add_by_type(out, "frame_received_bytes_total", "Bytes of frames received.", traffic,
                [](const Counters& c) { return c.bytes_received; });
    add_by_type(out, "frame_sent_bytes_total", "Bytes of datagrams sent.", traffic,
                [](const Counters& c) { return c.bytes_sent; });
    out.add(MetricType::Counter, "frames_dropped_total", "Frames that went no further.");
    for (std::size_t i = 0; i < mesh::drop_count; ++i) {
        out.sample({{"reason", std::string(name(static_cast<mesh::Drop>(i)))}},
                   static_cast<double>(traffic.drops[i]));
    }
    out.counter("send_failures_total", "Datagrams that the link did not take.",
                traffic.send_failures);
}

double seconds_of(base::Duration time) { return std::chrono::duration<double>(time).count(); }

/// One sample of each family for each radio.
void add_radios(Families& out, const RadioLinks& radios, base::Instant now) {
    std::vector<RadioView> views;
    for (std::size_t i = 0; i < radios.size(); ++i) views.push_back(radios.view(i, now));
    const auto add = [&](MetricType type, const char* name, const char* help, auto value) {
        out.add(type, name, help);
        for (const RadioView& view : views) {
            out.sample({{"radio", view.place}}, static_cast<double>(value(view)));
        }
    };
    using enum MetricType;
    add(Gauge, "radio_up", "Whether the radio can send for us.",
        [](const RadioView& view) { return view.is_up; });
    add(Gauge, "radio_airtime_limit_seconds", "What we may send in an hour at a quiet channel.",
        [](const RadioView& view) { return seconds_of(view.budget); });
    add(Gauge, "radio_airtime_hour_seconds", "What we sent in the last hour.",
        [](const RadioView& view) { return seconds_of(view.spent); });
    add(Gauge, "radio_channel_use_ratio", "How busy the radio finds the channel.",
        [](const RadioView& view) { return view.channel_use_percent / 100.0; });
    add(Gauge, "radio_messages_waiting", "Messages that have not left.",
        [](const RadioView& view) { return view.waiting; });
    add(Counter, "radio_packets_received_total", "Packets on our port.",
        [](const RadioView& view) { return view.stats.received; });
    out.add(Counter, "radio_mirror_texts_total", "Plain texts for people, by what became of them.");
    for (const RadioView& view : views) {
        if (!view.mirror) continue;
        const radio::TextMirror::Stats& texts = view.mirror->stats;
        const auto sample = [&](const char* outcome, std::uint64_t count) {
            out.sample({{"radio", view.place}, {"outcome", outcome}}, static_cast<double>(count));
        };
        sample("said", texts.said);
        sample("said_by_others", texts.said_by_others);
        sample("over_rate", texts.over_rate);
        sample("stale", texts.stale);
    }
    out.add(Counter, "radio_airtime_seconds_total", "What we sent, by message type.");
    for (const RadioView& view : views) {
        for (const auto& [type, sent] : view.stats.sent) {
            out.sample({{"radio", view.place}, {"type", std::string(wire::name(type))}},
                       seconds_of(sent.airtime));
        }
    }
}

void add_events(Families& out, const EventStream& events) {
    out.add(MetricType::Counter, "events_total", "Events of the node.");
    for (std::size_t i = 0; i < events.published().size(); ++i) {
        const auto type = static_cast<runtime::EventType>(i);
        if (type >= runtime::EventType::custom || name(type) == "UNKNOWN") continue;
        out.sample({{"type", std::string(name(type))}}, static_cast<double>(events.published()[i]));
    }
    out.gauge("event_readers", "Readers of the event stream.",
              static_cast<double>(events.readers()));
    out.counter("events_lost_total", "Events that a reader was too slow for.", events.lost());
}

void add_api(Families& out, const HttpStats& api) {
    out.add(MetricType::Counter, "api_responses_total", "Answers of the API.");
    for (std::size_t i = 2; i < api.responses.size(); ++i) {
        out.sample({{"class", std::to_string(i) + "xx"}}, static_cast<double>(api.responses[i]));
    }
    out.gauge("api_connections", "Open connections.", static_cast<double>(api.connections));
    out.counter("api_connections_accepted_total", "Connections accepted.", api.accepted);
    out.counter("api_connections_displaced_total", "Connections closed for others.", api.displaced);
    out.counter("api_wrong_tokens_total", "Requests with a wrong token.", api.wrong_tokens);
    out.counter("api_foreign_hosts_total", "Requests that named another machine.",
                api.foreign_hosts);
}

void add_process(Families& out, const ProcessUse& use) {
    using enum MetricType;
    out.add_foreign(Gauge, "process_resident_memory_bytes", "Resident memory.",
                    static_cast<double>(use.resident_bytes));
    out.add_foreign(Gauge, "process_virtual_memory_bytes", "Virtual memory.",
                    static_cast<double>(use.virtual_bytes));
    out.add_foreign(Gauge, "process_open_fds", "Open file descriptors.",
                    static_cast<double>(use.open_descriptors));
    out.add_foreign(Counter, "process_cpu_seconds_total", "Processor time.", use.processor_seconds);
}

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessUse process_use() {
    ProcessUse use;
    std::ifstream memory("/proc/self/statm");
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    memory >> total >> resident;
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    use.virtual_bytes = total * page;
    use.resident_bytes = resident * page;
    std::error_code ignored;
    const std::filesystem::directory_iterator descriptors("/proc/self/fd", ignored);
    use.open_descriptors = static_cast<std::uint64_t>(
        std::distance(begin(descriptors), std::filesystem::directory_iterator()));
    rusage used{};
    if (::getrusage(RUSAGE_SELF, &used) == 0) {
        use.processor_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
    }
    return use;
}

std::string metrics_text(const node::StatusView& status, const mesh::Stats& traffic,
                         const RadioLinks& radios, base::Instant now, const HttpStats& api,
                         const EventStream& events, const ProcessUse& process) {
    Families out;
    add_chain(out, status);
    add_network(out, status, traffic);
    add_radios(out, radios, now);
    add_events(out, events);
    add_api(out, api);
    add_process(out, process);
    return out.text();
}

}  // namespace meshchain::host
