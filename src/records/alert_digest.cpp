#include "records/alert_digest.h"

#include <algorithm>

#include "base/assert.h"
#include "base/cursor.h"
#include "wire/fields.h"

namespace meshchain::records {
namespace {

constexpr std::uint8_t digest_version = 1;

}  // namespace

AlertTag tag_of(const wire::RecordId& id) { return base::Reader(id.bytes).u32(); }

DigestMessage digest_of(std::span<const wire::RecordId> held) {
    DigestMessage digest;
    for (const wire::RecordId& id : held.first(std::min(held.size(), DigestMessage::names_max))) {
        digest.names.push_back(tag_of(id));
    }
    std::ranges::sort(digest.names);
    const auto [first, last] = std::ranges::unique(digest.names);
    digest.names.erase(first, last);
    return digest;
}

base::Buffer encode(const DigestMessage& digest) {
    MESH_ASSERT(digest.names.size() <= DigestMessage::names_max);
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(digest_version);
    for (const AlertTag name : digest.names) writer.u32(name);
    return out;
}

std::expected<DigestMessage, base::Error> parse_digest(base::Bytes body) {
    MESH_CHECK(wire::check_version(body, digest_version, "digest of alerts"));
    base::Reader in(body);
    in.u8();
    DigestMessage digest;
    while (in.ok() && in.remaining() > 0) {
        const AlertTag name = in.u32();
        if (!digest.names.empty() && name <= digest.names.back()) in.fail();
        digest.names.push_back(name);
        if (digest.names.size() > DigestMessage::names_max) in.fail();
    }
    MESH_CHECK(in.finish("digest of alerts"));
    return digest;
}

void AlertDigest::begin(base::Instant now) {
    questions_ = questions_max;
    begin_interval(now, least());
}

void AlertDigest::begin_interval(base::Instant now, base::Duration length) {
    interval_ = length;
    speak_at_ = now + random_.between(length / 2, length);
    end_ = now + length;
    heard_as_much_ = false;
}

void AlertDigest::start_anew(base::Instant now) {
    // One that is as short already goes on: many who find out one after the other would never end.
    const bool is_at_rest = end_ == base::never;
    if (is_at_rest || interval_ > least()) begin_interval(now, least());
}

void AlertDigest::note_change(base::Instant now) {
    if (!has_begun()) return;
    heard_as_much_ = false;
    start_anew(now);
}

void AlertDigest::note_said(base::Instant now, const wire::RecordId& id) {
    if (asked_.get(tag_of(id)) != nullptr) wakes_ = wakes_max;
    Repeat* repeat = repeated_.get(id);
    if (repeat != nullptr) {
        repeat->next = std::max(repeat->next, now + least() / 2);
    } else {
        repeated_.put(id, {.next = now + least() / 2});
    }
}

bool AlertDigest::lacks(base::Instant now, const DigestMessage& heard,
                        std::span<const wire::RecordId> held) {
    bool is_missing = false;
    for (const AlertTag name : heard.names) {
        const auto is_it = [&](const wire::RecordId& id) { return tag_of(id) == name; };
        if (std::ranges::any_of(held, is_it)) continue;
        // What was asked for often is made up, or not for us.
        const Asked* before = asked_.get(name);
        const bool is_tired =
            before != nullptr && before->times >= asks_max && now < before->last + longest();
        if (is_tired || missing_.size() >= asked_max) continue;
        missing_.insert(name);
        is_missing = true;
    }
    return is_missing;
}

bool AlertDigest::may_repeat(base::Instant now, const wire::RecordId& id) {
    const Repeat* known = repeated_.get(id);
    Repeat repeat = known == nullptr ? Repeat{} : *known;
    if (known != nullptr && now < repeat.next) return false;
    repeat.next = now + least() * (1 << repeat.doublings);
    repeat.doublings = std::min(repeat.doublings + 1, repeat_doublings_max);
    repeated_.put(id, repeat);
    return true;
}

/// What a digest would name if its speaker held it. In a full one that is what comes before the
/// last that is named, for all order what they hold alike; what comes behind, nobody knows.
std::vector<wire::RecordId> AlertDigest::not_named(const DigestMessage& heard,
                                                   std::span<const wire::RecordId> held) {
    std::vector<wire::RecordId> left_out;
    std::size_t before_last = 0;
    for (const wire::RecordId& id : held.first(std::min(held.size(), DigestMessage::names_max))) {
        if (std::ranges::binary_search(heard.names, tag_of(id))) {
            before_last = left_out.size();
        } else {
            left_out.push_back(id);
        }
    }
    if (heard.is_full()) left_out.resize(before_last);
    return left_out;
}

/// Names are made up for nothing: they end no silence more often than this, unless records come of
/// it.
bool AlertDigest::may_wake(base::Instant now) {
    if (now >= wakes_refilled_ + 8 * longest()) {
        wakes_refilled_ = now;
        wakes_ = std::min(wakes_ + 1, wakes_max);
    }
    if (wakes_ == 0) return false;
    --wakes_;
    return true;
}

std::vector<wire::RecordId> AlertDigest::handle(base::Instant now, const DigestMessage& heard,
                                                std::span<const wire::RecordId> held) {
    if (!has_begun()) return {};
    if (heard == digest_of(held)) {
        heard_as_much_ = true;
        return {};
    }
    std::vector<wire::RecordId> to_say;
    for (const wire::RecordId& id : not_named(heard, held)) {
        if (to_say.size() == answers_max) break;
        if (may_repeat(now, id)) to_say.push_back(id);
    }
    const bool is_missing = lacks(now, heard, held);
    if ((is_missing && may_wake(now)) || !to_say.empty()) {
        heard_as_much_ = false;
        start_anew(now);
    }
    return to_say;
}

bool AlertDigest::handle_timeout(base::Instant now, bool holds_any) {
    if (!has_begun() || now < poll_timeout()) return false;
    bool speaks = false;
    if (now >= speak_at_) {
        speak_at_ = base::never;
        speaks = !heard_as_much_;
    }
    if (speaks) {
        for (const AlertTag name : missing_) {
            const Asked* before = asked_.get(name);
            const bool is_again = before != nullptr && before->times < asks_max;
            asked_.put(name, {.times = is_again ? before->times + 1 : 1, .last = now});
        }
        missing_.clear();
    }
    if (now >= end_) {
        if (!holds_any && questions_ > 0) --questions_;
        begin_interval(now, std::min(2 * interval_, longest()));
        if (!holds_any && questions_ == 0) speak_at_ = end_ = base::never;
    }
    return speaks;
}

}  // namespace meshchain::records
