#pragma once
// STATE_REQUEST and STATE_RESPONSE bodies (rows A10, J4, F5): what a node asks for that holds no
// chain. Proof of FINAL, headers, the coins and fee balances of a final state in pages, the proof
// that a block holds a transaction. Behind a version byte each begins with a kind byte.
//
// Nothing here is believed by itself: docs/formats/state.md says what proves what.
// Format: docs/formats/state.md

#include "wire/control.h"

namespace meshchain::wire {

/// "Your newest FINAL, if it is above this height."
struct NewestFinalRequest {
    Height above;
    friend bool operator==(const NewestFinalRequest&, const NewestFinalRequest&) = default;
};
/// "Headers of your chain from this height on."
struct HeaderPageRequest {
    Height from;
    std::uint8_t count = 0;  ///< 1 … header_page_max
    friend bool operator==(const HeaderPageRequest&, const HeaderPageRequest&) = default;
};
/// "Of the state after the parent of `block`, the entries of this range after that coin."
struct StatePageRequest {
    Hash block;
    std::uint8_t range = 0;         ///< 0 … fee_range
    std::optional<Outpoint> after;  ///< nothing: from the beginning
    friend bool operator==(const StatePageRequest&, const StatePageRequest&) = default;
};
/// "The hash of all entries of this range."
struct RangeHashRequest {
    Hash block;
    std::uint8_t range = 0;
    friend bool operator==(const RangeHashRequest&, const RangeHashRequest&) = default;
};
/// "Which block holds this transaction?"
struct InclusionRequest {
    Txid txid;
    friend bool operator==(const InclusionRequest&, const InclusionRequest&) = default;
};
using StateRequest = std::variant<NewestFinalRequest, HeaderPageRequest, StatePageRequest,
                                  RangeHashRequest, InclusionRequest>;

/// The coins are cut by the first six bits of their outpoint, which is a hash; behind them one
/// range holds the fee balances.
inline constexpr std::uint8_t coin_ranges = 64;
inline constexpr std::uint8_t fee_range = coin_ranges;
inline std::uint8_t range_of(const Outpoint& outpoint) {
    return static_cast<std::uint8_t>(outpoint.txid.hash.bytes[0]) >> 2;
}

inline constexpr std::size_t header_page_max = 5;
inline constexpr std::size_t final_votes_max = 8;
inline constexpr std::size_t state_coins_max = 14;
/// Siblings on the way from a leaf to the root of the largest block.
inline constexpr std::size_t branch_max = 8;
static_assert(std::size_t{1} << branch_max >= BlockAnnouncement::transactions_max);

/// Some of the votes that make a block FINAL. As many answers as the certificate needs.
struct NewestFinalResponse {
    BlockHeader header;
    std::vector<Vote> votes;  ///< 1 … final_votes_max: one source, of the header's slot, and the
                              ///< round after it; ascending by validator
    friend bool operator==(const NewestFinalResponse&, const NewestFinalResponse&) = default;
};
struct HeaderPageResponse {
    Height from;
    std::vector<BlockHeader> headers;  ///< of consecutive heights; none when it has none there
    friend bool operator==(const HeaderPageResponse&, const HeaderPageResponse&) = default;
};
struct StateCoin {
    static constexpr std::size_t size = outpoint_bytes + Output::size;
    Outpoint outpoint;
    Output output;
    friend auto operator<=>(const StateCoin&, const StateCoin&) = default;
};
struct StateFees {
    static constexpr std::size_t size = 2 + 5;
    ValidatorIndex validator;
    Amount amount;
    friend auto operator<=>(const StateFees&, const StateFees&) = default;
};
struct StatePage {
    Hash block;
    std::uint8_t range = 0;
    std::optional<Outpoint> after;  ///< as asked
    bool last = false;              ///< nothing follows in this range
    std::vector<StateCoin> coins;   ///< ascending, all of `range`
    std::vector<StateFees> fees;    ///< ascending; only in fee_range
    friend bool operator==(const StatePage&, const StatePage&) = default;
};
struct RangeHashResponse {
    Hash block;
    std::uint8_t range = 0;
    Hash hash;
    friend bool operator==(const RangeHashResponse&, const RangeHashResponse&) = default;
};
struct InclusionResponse {
    Height height;  ///< of the block; a claim until its header is proven
    std::uint16_t index = 0;
    std::uint16_t count = 0;  ///< transactions in the block
    Transaction transaction;
    std::vector<Hash> branch;
    friend bool operator==(const InclusionResponse&, const InclusionResponse&) = default;
};
/// "I cannot serve that": the block or transaction asked for.
struct UnavailableResponse {
    Hash subject;
    friend bool operator==(const UnavailableResponse&, const UnavailableResponse&) = default;
};
using StateResponse = std::variant<NewestFinalResponse, HeaderPageResponse, StatePage,
                                   RangeHashResponse, InclusionResponse, UnavailableResponse>;

base::Buffer encode(const StateRequest& request);
/// Errors: malformed, wrong_version.
std::expected<StateRequest, base::Error> parse_state_request(base::Bytes body);
/// Asserts that it fits control_body_bytes_max, which it does within the limits above.
base::Buffer encode(const StateResponse& response);
/// Errors: malformed (also: entries out of order or of another range), wrong_version, too_large.
std::expected<StateResponse, base::Error> parse_state_response(base::Bytes body);

/// The hash of a range: h = H(`mc/range/1` behind its length ‖ h ‖ entry) over its entries in
/// order, from zero on.
class RangeHasher {
public:
    void add(const StateCoin& coin);
    void add(const StateFees& fees);
    const Hash& hash() const { return hash_; }

private:
    void add(base::Bytes entry);

    Hash hash_;
};

}  // namespace meshchain::wire
