#include "wire/operation.h"

namespace meshchain::wire {
namespace {

constexpr std::size_t key_bytes = crypto::PublicKey::size;
constexpr std::size_t amount_bytes = 5;

enum class Kind : std::uint8_t {
    enrol = 1,  // Register; the word itself is taken by the language
    delegate = 2,
    unbond = 3,
    withdraw = 4,
    claim = 5,
    report = 6,
    testimony = 7
};

/// What most operations consist of.
template <class T>
T read_parties(base::Reader& in) {
    T result;
    result.validator.bytes = in.array<key_bytes>();
    result.owner.bytes = in.array<key_bytes>();
    return result;
}
template <class T>
base::Writer& write_parties(base::Writer& out, Kind kind, const T& operation) {
    return out.u8(static_cast<std::uint8_t>(kind))
        .bytes(operation.validator.bytes)
        .bytes(operation.owner.bytes);
}

Amount take_amount(base::Reader& in) {
    const Amount amount{in.u40()};
    if (amount.units == 0) in.fail();
    return amount;
}

Register read_register(base::Reader& in) {
    Register result;
    result.identity.bytes = in.array<key_bytes>();
    result.key.bytes = in.array<key_bytes>();
    result.payout.bytes = in.array<key_bytes>();
    result.amount = take_amount(in);
    return result;
}

template <class T>
T read_transfer(base::Reader& in) {
    T result = read_parties<T>(in);
    if constexpr (std::is_same_v<T, Withdraw>) result.epoch = in.u32();
    result.amount = take_amount(in);
    return result;
}

Report read_report(base::Reader& in) {
    const std::size_t bytes = in.u16();
    if (bytes == 0 || bytes > evidence_bytes_max || bytes > in.remaining()) {
        in.fail();
        return {};
    }
    return {base::to_buffer(in.take(bytes))};
}

Testimony read_testimony(base::Reader& in) {
    Testimony result;
    result.seat = {in.u16()};
    if (result.seat.value >= validators_max) in.fail();
    result.epoch = in.u32();
    result.heard.bytes = in.array<Reception::size>();
    result.commitment.bytes = in.array<crypto::Hash::size>();
    result.reveal.bytes = in.array<crypto::Hash::size>();
    if (!result.heard.is_sound()) in.fail();
    return result;
}

struct Write {
    base::Writer& out;
    void operator()(const Register& operation) const {
        out.u8(static_cast<std::uint8_t>(Kind::enrol))
            .bytes(operation.identity.bytes)
            .bytes(operation.key.bytes)
            .bytes(operation.payout.bytes)
            .u40(operation.amount.units);
    }
    void operator()(const Delegate& operation) const {
        write_parties(out, Kind::delegate, operation).u40(operation.amount.units);
    }
    void operator()(const Unbond& operation) const {
        write_parties(out, Kind::unbond, operation).u40(operation.amount.units);
    }
    void operator()(const Withdraw& operation) const {
        write_parties(out, Kind::withdraw, operation)
            .u32(operation.epoch)
            .u40(operation.amount.units);
    }
    void operator()(const Claim& operation) const {
        write_parties(out, Kind::claim, operation).u40(operation.amount.units);
    }
    void operator()(const Report& operation) const {
        MESH_ASSERT(!operation.evidence.empty() && operation.evidence.size() <= evidence_bytes_max);
        out.u8(static_cast<std::uint8_t>(Kind::report))
            .u16(static_cast<std::uint16_t>(operation.evidence.size()))
            .bytes(operation.evidence);
    }
    void operator()(const Testimony& operation) const {
        out.u8(static_cast<std::uint8_t>(Kind::testimony))
            .u16(operation.seat.value)
            .u32(operation.epoch)
            .bytes(operation.heard.bytes)
            .bytes(operation.commitment.bytes)
            .bytes(operation.reveal.bytes);
    }
};

}  // namespace

bool is_free(const Operation& operation) {
    return std::holds_alternative<Report>(operation) ||
           std::holds_alternative<Testimony>(operation);
}

std::vector<crypto::PublicKey> authorities(const Operation& operation) {
    if (const auto* enrolled = std::get_if<Register>(&operation)) {
        return {enrolled->identity, enrolled->key};
    }
    if (const auto* delegate = std::get_if<Delegate>(&operation)) return {delegate->owner};
    if (const auto* unbond = std::get_if<Unbond>(&operation)) return {unbond->owner};
    if (const auto* withdraw = std::get_if<Withdraw>(&operation)) return {withdraw->owner};
    if (const auto* claim = std::get_if<Claim>(&operation)) return {claim->owner};
    return {};
}

std::size_t authority_count(const Operation& operation) { return authorities(operation).size(); }

Amount released(const Operation& operation) {
    if (const auto* withdraw = std::get_if<Withdraw>(&operation)) return withdraw->amount;
    if (const auto* claim = std::get_if<Claim>(&operation)) return claim->amount;
    return {};
}

Amount bound(const Operation& operation) {
    if (const auto* enrolled = std::get_if<Register>(&operation)) return enrolled->amount;
    if (const auto* delegate = std::get_if<Delegate>(&operation)) return delegate->amount;
    return {};
}

std::size_t encoded_bytes(const Operation& operation) {
    if (const auto* report = std::get_if<Report>(&operation)) {
        return 1 + 2 + report->evidence.size();
    }
    if (std::holds_alternative<Testimony>(operation)) return 1 + testimony_bytes;
    if (std::holds_alternative<Register>(operation)) return 1 + 3 * key_bytes + amount_bytes;
    const std::size_t epoch_bytes = std::holds_alternative<Withdraw>(operation) ? 4 : 0;
    return 1 + 2 * key_bytes + epoch_bytes + amount_bytes;
}

void write(base::Writer& out, const Operation& operation) { std::visit(Write{out}, operation); }

std::optional<Operation> read_operation(base::Reader& in) {
    std::optional<Operation> result;
    switch (static_cast<Kind>(in.u8())) {
        case Kind::enrol: result = read_register(in); break;
        case Kind::delegate: result = read_transfer<Delegate>(in); break;
        case Kind::unbond: result = read_transfer<Unbond>(in); break;
        case Kind::withdraw: result = read_transfer<Withdraw>(in); break;
        case Kind::claim: result = read_transfer<Claim>(in); break;
        case Kind::report: result = read_report(in); break;
        case Kind::testimony: result = read_testimony(in); break;
        default: in.fail();
    }
    return in.ok() ? result : std::nullopt;
}

}  // namespace meshchain::wire
