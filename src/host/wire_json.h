#pragma once
// Everything that crosses the wire, as JSON: what `tx decode` and `frame decode` print, so that
// others can check our bytes against theirs. Hashes, keys and signatures are lower-case hex,
// amounts whole units, outpoints "txid:index". One way only: bytes are never made from this.
//
// Errors: those of the wire parsers; nothing is guessed about bytes that do not parse.

#include <expected>
#include <string>

#include "host/json.h"
#include "wire/air_question.h"
#include "wire/announcement.h"
#include "wire/block.h"
#include "wire/control.h"
#include "wire/frame.h"
#include "wire/record.h"
#include "wire/routed.h"
#include "wire/short_block.h"
#include "wire/short_vote.h"
#include "wire/sync.h"
#include "wire/transaction.h"
#include "wire/vote.h"

namespace meshchain::host {

std::string to_text(const wire::Outpoint& outpoint);
/// Errors: malformed (not "txid:index").
std::expected<wire::Outpoint, base::Error> parse_outpoint(std::string_view text);

Json to_json(const wire::CompactTransfer& transfer);
Json to_json(const wire::Transaction& transaction);
Json to_json(const wire::WireTransaction& transaction);
/// With what the chain id lets one compute: txid, wtxid and the signed preimage.
Json to_json(const wire::ChainId& chain, const wire::Transaction& transaction);

Json to_json(const wire::BlockHeader& header);
Json to_json(const wire::Block& block);
Json to_json(const wire::BlockAnnouncement& announcement);
Json to_json(const wire::Checkpoint& checkpoint);
Json to_json(const wire::Vote& vote);
Json to_json(const wire::Certificate& certificate);
Json to_json(const wire::Evidence& evidence);
Json to_json(const wire::ChainStatus& status);
Json to_json(const wire::Hello& hello);
Json to_json(const wire::Heartbeat& heartbeat);
Json to_json(const wire::VoteRequest& request);
Json to_json(const wire::Announcement& announcement);
Json to_json(const wire::Destination& destination);
Json to_json(const wire::RoutedMessage& message);
Json to_json(const wire::SyncRequest& request);
Json to_json(const wire::SyncResponse& response);
Json to_json(const wire::SyncChunk& chunk);
Json to_json(const wire::AirQuestion& question);
Json to_json(const wire::BlockRow& row);
Json to_json(const wire::Record& record);
Json to_json(const wire::ShortVote& vote);
Json to_json(const wire::ShortBlock& block);

/// The payload of a frame of this type; a control message's body and signature apart.
std::expected<Json, base::Error> decode_payload(wire::MessageType type, base::Bytes payload);
/// Header and payload.
std::expected<Json, base::Error> decode_frame(base::Bytes datagram);

}  // namespace meshchain::host
