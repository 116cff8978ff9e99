#include "host/event_stream.h"

#include <algorithm>
#include <charconv>

#include "host/event_json.h"
#include "host/json_document.h"

namespace meshchain::host {
namespace {

using base::Errc;

std::optional<runtime::EventType> type_named(std::string_view text) {
    for (std::uint16_t number = 1; number <= EventStream::types_max - 1; ++number) {
        const auto type = static_cast<runtime::EventType>(number);
        if (name(type) == text && text != "UNKNOWN") return type;
    }
    return std::nullopt;
}

std::string lost_text(const std::string& count) {
    return "event: lost\ndata: {\"type\":\"lost\",\"events\":" + count + "}\n\n";
}

}  // namespace

class EventStream::Reader final : public HttpSource {
public:
    /// Without a place: from the oldest on, with a gap of unknown size before it.
    Reader(EventStream& stream, Types types, std::optional<std::uint64_t> place)
        : stream_(stream),
          types_(types),
          place_(place.value_or(stream.oldest())),
          has_gap_(!place.has_value()) {
        stream_.readers_.push_back(this);
    }
    ~Reader() override { std::erase(stream_.readers_, this); }

    void pull(std::string& out, std::size_t bytes_max) override {
        if (has_gap_) out += lost_text("null");
        has_gap_ = false;
        if (place_ < stream_.oldest()) {
            const std::uint64_t lost = stream_.oldest() - place_;
            stream_.lost_ += lost;
            place_ = stream_.oldest();
            out += lost_text(std::to_string(lost));
        }
        for (; place_ < stream_.next_; ++place_) {
            const Kept& kept = stream_.ring_[place_ % ring_max];
            if (!types_.test(static_cast<std::size_t>(kept.type))) continue;
            if (!out.empty() && out.size() + kept.text.size() > bytes_max) return;
            out += kept.text;
        }
    }

    std::string_view heartbeat() const override { return ":\n\n"; }
    void on_more(std::function<void()> wake) override { wake_ = std::move(wake); }
    void wake() {
        if (place_ < stream_.next_ && wake_) wake_();
    }

private:
    EventStream& stream_;
    Types types_;
    std::uint64_t place_;  ///< of the next event to look at
    bool has_gap_;
    std::function<void()> wake_;
};

std::expected<EventStream::Types, base::Error> EventStream::parse_types(std::string_view text) {
    Types types;
    if (text.empty()) return types.set();
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(','));
        const auto type = type_named(word);
        if (!type) {
            return base::failure(Errc::invalid_argument,
                                 "'" + std::string(word.substr(0, 40)) + "' is no event",
                                 "query field types", "write names like BLOCK_ADDED,PEER_LOST");
        }
        types.set(static_cast<std::size_t>(*type));
        // All types of embedding programs share one name.
        if (*type >= runtime::EventType::custom) types |= Types().set() << std::size_t(*type);
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    return types;
}

void EventStream::publish(const runtime::Event& event, base::WallTime at) {
    const auto number = static_cast<std::size_t>(event.type);
    if (number >= types_max) return;
    ++published_[number];
    Kept& kept = ring_[next_ % ring_max];
    kept.type = event.type;
    kept.text = "id: " + std::to_string(run_) + "-" + std::to_string(next_) +
                "\nevent: " + std::string(name(event.type)) +
                "\ndata: " + to_line(to_json(event, at)) + "\n\n";
    ++next_;
}

void EventStream::wake() {
    // A reader that cannot be written to goes, and leaves the list meanwhile.
    for (Reader* reader : std::vector(readers_)) {
        if (std::ranges::find(readers_, reader) != readers_.end()) reader->wake();
    }
}

std::expected<std::optional<std::uint64_t>, base::Error> EventStream::place_after(
    std::string_view id) const {
    if (id.empty()) return next_;
    std::uint32_t run = 0;
    std::uint64_t number = 0;
    const char* const end = id.data() + id.size();
    const auto first = std::from_chars(id.data(), end, run);
    const bool dashed = first.ec == std::errc{} && first.ptr != end && *first.ptr == '-';
    const auto second = std::from_chars(first.ptr + (dashed ? 1 : 0), end, number);
    if (!dashed || second.ec != std::errc{} || second.ptr != end) {
        return base::failure(Errc::invalid_argument, "no id of an event", "Last-Event-ID",
                             "send the id of an event as it came");
    }
    if (run != run_) return std::nullopt;
    return number < next_ ? number + 1 : next_;
}

std::expected<std::shared_ptr<HttpSource>, base::Error> EventStream::open(
    Types types, std::string_view last_event_id) {
    if (readers_.size() >= readers_max) {
        return base::failure(Errc::unavailable,
                             std::to_string(readers_max) + " readers are there already", "events",
                             "close one and try again");
    }
    MESH_TRY(const auto place, place_after(last_event_id));
    return std::make_shared<Reader>(*this, types, place);
}

}  // namespace meshchain::host
