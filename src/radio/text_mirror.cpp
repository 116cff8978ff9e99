#include "radio/text_mirror.h"

#include <algorithm>

#include "base/assert.h"
#include "base/utf8.h"

namespace meshchain::radio {
namespace {

constexpr std::string_view ellipsis = "…";

/// Less urgent texts leave the air to those that are more so.
int windows_of(Priority priority) {
    switch (priority) {
        case Priority::urgent:
        case Priority::block:
        case Priority::transaction: return 1;
        case Priority::sync: return 3;
        case Priority::record: return 6;
    }
    return 6;
}

std::size_t character_bytes(char lead) {
    const auto byte = static_cast<unsigned char>(lead);
    return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

}  // namespace

std::string one_line(std::string_view text) {
    std::string line;
    if (!base::is_utf8(base::as_bytes(text))) {
        for (const char c : text) line += static_cast<unsigned char>(c) < 0x80 ? c : '?';
        text = line;
    }
    std::string shown;
    while (!text.empty()) {
        const std::string_view character = text.substr(0, character_bytes(text.front()));
        if (base::is_displayable(character)) {
            shown += character;
        } else {
            shown += ' ';
        }
        text.remove_prefix(character.size());
    }
    return shown;
}

std::string MirrorText::fitting(std::size_t bytes_max) const {
    const std::size_t around = before.size() + after.size();
    MESH_ASSERT(around + ellipsis.size() <= bytes_max);
    if (around + middle.size() <= bytes_max) return before + middle + after;
    const std::size_t room = bytes_max - around - ellipsis.size();
    return before + std::string(base::utf8_prefix(middle, room)) + std::string(ellipsis) + after;
}

bool MirrorText::is_said_by(std::string_view heard) const {
    const std::size_t whole = before.size() + middle.size() + after.size();
    // Whoever wants alarms unsaid would cut them to nothing.
    const std::size_t least = std::min(whole, TextMirror::bytes_min - 2 * ellipsis.size());
    if (heard.size() < least || heard.size() > whole + ellipsis.size()) return false;
    if (before.size() + after.size() + ellipsis.size() > heard.size()) {
        return heard == before + middle + after;
    }
    return heard == fitting(heard.size());
}

TextMirror::TextMirror(base::Instant now, const Limits& limits, base::Random random)
    : limits_(limits), random_(random), rate_(now, limits.rate) {
    MESH_ASSERT(limits.waiting_max > 0 && limits.heard_max > 0);
}

void TextMirror::say(base::Instant now, Priority priority, MirrorText text, Knows knows,
                     base::Duration spread) {
    handle_timeout(now);
    const bool is_shared = knows != Knows::nobody_else;
    const auto is_this = [&](const Heard& heard) { return text.is_said_by(heard.text); };
    if (is_shared && std::ranges::any_of(heard_, is_this)) {
        ++stats_.said_by_others;
        return;
    }
    if (!make_room(priority)) {
        ++stats_.over_rate;
        return;
    }
    base::Instant from = now;
    if (knows == Knows::others_later) from += random_.between({}, spread / 8);
    if (knows == Knows::others_too) {
        from += random_.between(spread / 4, spread * windows_of(priority));
    }
    waiting_.push_back({.priority = priority,
                        .order = orders_++,
                        .text = std::move(text),
                        .from = from,
                        .until = now + limits_.stale_after,
                        .is_shared = is_shared});
}

bool TextMirror::make_room(Priority priority) {
    if (waiting_.size() < limits_.waiting_max) return true;
    const auto least = std::ranges::max_element(waiting_, {}, [](const Waiting& waiting) {
        return std::pair(waiting.priority, waiting.order);
    });
    if (least->priority <= priority) return false;
    ++stats_.over_rate;
    waiting_.erase(least);
    return true;
}

void TextMirror::handle_heard(base::Instant now, std::string_view text) {
    handle_timeout(now);
    const std::size_t before = waiting_.size();
    std::erase_if(waiting_, [&](const Waiting& waiting) {
        return waiting.is_shared && waiting.text.is_said_by(text);
    });
    const std::size_t known = before - waiting_.size();
    stats_.said_by_others += known;
    if (known > 0) return;
    // Perhaps we learn only now what it is about.
    ++stats_.foreign;
    if (heard_.size() == limits_.heard_max) heard_.pop_front();
    heard_.push_back({std::string(text), now + limits_.stale_after});
}

const TextMirror::Waiting* TextMirror::first(base::Instant now) const {
    if (now < not_before_) return nullptr;
    const Waiting* first = nullptr;
    for (const Waiting& waiting : waiting_) {
        if (waiting.from > now || waiting.until <= now) continue;
        if (first == nullptr || waiting.priority < first->priority) first = &waiting;
    }
    return first;
}

std::optional<Priority> TextMirror::next(base::Instant now) const {
    const Waiting* waiting = first(now);
    return waiting == nullptr ? std::nullopt : std::optional(waiting->priority);
}

std::string TextMirror::take(base::Instant now, std::size_t bytes_max) {
    const Waiting* waiting = first(now);
    MESH_ASSERT(waiting != nullptr);
    std::string text = waiting->text.fitting(bytes_max);
    const std::uint64_t order = waiting->order;
    std::erase_if(waiting_, [&](const Waiting& other) { return other.order == order; });
    // What is urgent goes first, so nothing is counted before it leaves.
    static_cast<void>(rate_.take(now));
    const base::Duration pause =
        rate_.available(now) > 0
            ? base::Duration{}
            : base::Duration(std::chrono::minutes(1)) / limits_.rate.per_minute;
    not_before_ = now + std::max(limits_.gap, pause);
    ++stats_.said;
    return text;
}

base::Instant TextMirror::poll_timeout(base::Instant now) const {
    base::Instant at = base::never;
    for (const Waiting& waiting : waiting_) {
        const base::Instant ready = std::max(waiting.from, not_before_);
        at = std::min({at, waiting.until, ready > now ? ready : base::never});
    }
    return at;
}

void TextMirror::handle_timeout(base::Instant now) {
    stats_.stale +=
        std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.until <= now; });
    while (!heard_.empty() && heard_.front().until <= now) heard_.pop_front();
}

void TextMirror::check_invariants() const {
    MESH_ASSERT(waiting_.size() <= limits_.waiting_max);
    MESH_ASSERT(heard_.size() <= limits_.heard_max);
}

}  // namespace meshchain::radio
