#include "records/reconciliation.h"

#include <algorithm>

#include "base/assert.h"
#include "wire/fields.h"

namespace meshchain::records {
namespace {

using coding::FingerprintTree;
using Form = RangeClaim::Form;
using Prefix = FingerprintTree::Prefix;
using Summary = FingerprintTree::Summary;

constexpr std::uint8_t reconcile_version = 1;
/// A range of so many is told member by member: cheaper than sixteen fingerprints and what follows.
constexpr std::size_t listed_max = 32;

/// Never zero, which says that a range is empty.
std::uint64_t fingerprint(std::uint64_t salt, const Summary& summary) {
    if (summary.count == 0) return 0;
    base::Buffer key_bytes;
    base::Writer(key_bytes).u64(salt).u64(~salt);
    crypto::ShortHashKey key;
    std::ranges::copy(key_bytes, key.begin());
    base::Buffer bytes;
    base::Writer writer(bytes);
    for (const std::uint64_t word : summary.sum) writer.u64(word);
    writer.u32(summary.count);
    return std::max<std::uint64_t>(crypto::short_hash(key, bytes), 1);
}

std::size_t encoded_bytes(const RangeClaim& claim) {
    const std::size_t front = 1 + (claim.prefix.count + 1U) / 2;
    const auto full = static_cast<std::size_t>(
        std::ranges::count_if(claim.values, [](std::uint64_t value) { return value != 0; }));
    switch (claim.form) {
        case Form::summary: return front + 8;
        case Form::children: return front + 2 + 8 * full;
        case Form::members:
        case Form::wanted: break;
    }
    return front + 1 + 8 * claim.values.size();
}

void write(base::Writer& out, const RangeClaim& claim) {
    out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(claim.form) << 4 | claim.prefix.count));
    for (unsigned i = 0; i < claim.prefix.count; i += 2) {
        out.u8(static_cast<std::uint8_t>(claim.prefix.digits >> (24 - 4 * i)));
    }
    if (claim.form == Form::children) {
        MESH_ASSERT(claim.values.size() == FingerprintTree::children_count);
        std::uint16_t mask = 0;
        for (const std::uint64_t value : claim.values) {
            mask = static_cast<std::uint16_t>(mask << 1 | (value != 0 ? 1 : 0));
        }
        out.u16(mask);
    } else if (claim.form != Form::summary) {
        MESH_ASSERT(claim.values.size() <= RangeClaim::names_max);
        out.u8(static_cast<std::uint8_t>(claim.values.size()));
    }
    for (const std::uint64_t value : claim.values) {
        if (claim.form != Form::children || value != 0) out.u64(value);
    }
}

RangeClaim read_claim(base::Reader& in) {
    RangeClaim claim;
    const std::uint8_t front = in.u8();
    if (front >> 4 > static_cast<std::uint8_t>(Form::wanted)) in.fail();
    claim.form = static_cast<Form>(front >> 4);
    claim.prefix.count = front & 0xf;
    if (claim.prefix.count > FingerprintTree::digits_max) {
        in.fail();
        return claim;
    }
    for (unsigned i = 0; i < claim.prefix.count; i += 2) {
        claim.prefix.digits |= std::uint32_t{in.u8()} << (24 - 4 * i);
    }
    // A digit that is not counted is zero, so that a range has one form.
    if (claim.prefix.count % 2 == 1 &&
        (claim.prefix.digits >> (4 * (7U - claim.prefix.count)) & 0xf) != 0) {
        in.fail();
    }
    if (claim.form == Form::summary) {
        claim.values.push_back(in.u64());
    } else if (claim.form == Form::children) {
        if (claim.prefix.count == FingerprintTree::digits_max) in.fail();
        const std::uint16_t mask = in.u16();
        for (unsigned i = 0; i < FingerprintTree::children_count; ++i) {
            claim.values.push_back((mask >> (15 - i) & 1) == 0 ? 0 : in.u64());
            if ((mask >> (15 - i) & 1) != 0 && claim.values.back() == 0) in.fail();
        }
    } else {
        claim.values.resize(in.u8());
        if (claim.values.size() > RangeClaim::names_max ||
            (claim.form == Form::wanted && (claim.prefix.count != 0 || claim.values.empty()))) {
            in.fail();
            return claim;
        }
        for (std::uint64_t& value : claim.values) value = in.u64();
    }
    return claim;
}

/// Gathers claims into as few messages as hold them.
class Answerer {
public:
    using IsHeld = std::function<bool(const wire::RecordId&)>;

    Answerer(const ReconcileMessage& message, const FingerprintTree& tree, std::uint64_t salt,
             const IsHeld& is_held)
        : message_(message), tree_(tree), salt_(salt), is_held_(is_held) {}

    ReconcileAnswer run() {
        for (const RangeClaim& claim : message_.claims) handle(claim);
        for (std::size_t next = 0; next < wanted_.size(); next += RangeClaim::names_max) {
            const std::size_t count = std::min(RangeClaim::names_max, wanted_.size() - next);
            const auto first = wanted_.begin() + static_cast<std::ptrdiff_t>(next);
            add({Form::wanted, {}, {first, first + static_cast<std::ptrdiff_t>(count)}});
        }
        end_message();
        return std::move(answer_);
    }

private:
    void handle(const RangeClaim& claim) {
        switch (claim.form) {
            case Form::summary: return compare(claim.prefix, claim.values.front());
            case Form::children:
                // What finds no room in the answer is another part each time.
                for (unsigned i = 0; i < FingerprintTree::children_count; ++i) {
                    const auto digit =
                        static_cast<unsigned>((salt_ + i) % FingerprintTree::children_count);
                    compare(claim.prefix.child(digit), claim.values[digit]);
                }
                return;
            case Form::members: return compare_members(claim);
            case Form::wanted:
                for (const ShortName name : claim.values) {
                    if (const auto member = tree_.with_front(name)) send({*member});
                }
                return;
        }
    }

    void compare(const Prefix& prefix, std::uint64_t theirs) {
        const Summary ours = tree_.summary(prefix);
        if (fingerprint(message_.salt, ours) == theirs) return;
        answer_.differs = true;
        if (theirs == 0) return send_range(prefix);
        if (ours.count <= listed_max || prefix.count == FingerprintTree::digits_max) {
            return add({Form::members, prefix, names_of(prefix)});
        }
        RangeClaim claim{Form::children, prefix, {}};
        for (unsigned i = 0; i < FingerprintTree::children_count; ++i) {
            claim.values.push_back(fingerprint(salt_, tree_.summary(prefix.child(i))));
        }
        add(claim);
    }

    void compare_members(const RangeClaim& claim) {
        std::vector<ShortName> theirs = claim.values;
        std::ranges::sort(theirs);
        std::vector<ShortName> ours;
        tree_.for_each(claim.prefix, [&](const FingerprintTree::Member& member) {
            ours.push_back(short_name({member}));
            if (!std::ranges::binary_search(theirs, ours.back())) {
                answer_.differs = true;
                send({member});
            }
            return answer_.to_send.size() < records_per_answer_max;
        });
        for (const ShortName name : theirs) {
            if (std::ranges::binary_search(ours, name) || tree_.with_front(name)) continue;
            answer_.differs = true;
            wanted_.push_back(name);
        }
    }

    std::vector<ShortName> names_of(const Prefix& prefix) const {
        std::vector<ShortName> names;
        tree_.for_each(prefix, [&](const FingerprintTree::Member& member) {
            names.push_back(short_name({member}));
            return names.size() < RangeClaim::names_max;
        });
        return names;
    }

    void send_range(const Prefix& prefix) {
        tree_.for_each(prefix, [&](const FingerprintTree::Member& member) {
            send({member});
            return answer_.to_send.size() < records_per_answer_max;
        });
    }
    void send(const wire::RecordId& id) {
        if (answer_.to_send.size() < records_per_answer_max && is_held_(id)) {
            answer_.to_send.push_back(id);
        }
    }

    void add(const RangeClaim& claim) {
        const std::size_t bytes = encoded_bytes(claim);
        if (bytes_ + bytes > ReconcileMessage::message_bytes_max) end_message();
        if (answer_.messages.size() == answer_messages_max) return;
        claims_.push_back(claim);
        bytes_ += bytes;
    }
    void end_message() {
        if (claims_.empty()) return;
        answer_.messages.push_back(encode(ReconcileMessage{salt_, message_.segment, claims_}));
        claims_.clear();
        bytes_ = ReconcileMessage::header_bytes;
    }

    const ReconcileMessage& message_;
    const FingerprintTree& tree_;
    const std::uint64_t salt_;
    const IsHeld& is_held_;
    ReconcileAnswer answer_;
    std::vector<RangeClaim> claims_;
    std::vector<ShortName> wanted_;
    std::size_t bytes_ = ReconcileMessage::header_bytes;
};

}  // namespace

ShortName short_name(const wire::RecordId& id) { return base::Reader(id.bytes).u64(); }

base::Buffer encode(const ReconcileMessage& message) {
    base::Buffer out;
    base::Writer writer(out);
    writer.u8(reconcile_version).u64(message.salt);
    writer.bytes(message.segment.value_or(wire::SegmentId{}).bytes);
    for (const RangeClaim& claim : message.claims) write(writer, claim);
    MESH_ASSERT(out.size() <= ReconcileMessage::message_bytes_max);
    return out;
}

std::expected<ReconcileMessage, base::Error> parse_reconcile(base::Bytes body) {
    MESH_CHECK(wire::check_version(body, reconcile_version, "RECONCILE"));
    base::Reader in(body);
    in.u8();
    ReconcileMessage message;
    message.salt = in.u64();
    const wire::SegmentId segment{in.array<wire::SegmentId::size>()};
    if (segment != wire::SegmentId{}) message.segment = segment;
    while (in.ok() && in.remaining() > 0) message.claims.push_back(read_claim(in));
    if (message.claims.empty()) in.fail();
    MESH_CHECK(in.finish("RECONCILE"));
    return message;
}

base::Buffer begin_reconciliation(const FingerprintTree& tree, const Segment& segment,
                                  std::uint64_t salt) {
    return encode(ReconcileMessage{
        salt, segment, {{Form::summary, {}, {fingerprint(salt, tree.summary({}))}}}});
}

ReconcileAnswer answer_reconciliation(const ReconcileMessage& message, const FingerprintTree& tree,
                                      std::uint64_t salt,
                                      const std::function<bool(const wire::RecordId&)>& is_held) {
    return Answerer(message, tree, salt, is_held).run();
}

}  // namespace meshchain::records
