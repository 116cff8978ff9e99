#include "wire/message_type.h"

namespace meshchain::wire {

std::string_view name(MessageType type) {
    switch (type) {
        case MessageType::transaction: return "TRANSACTION";
        case MessageType::block: return "BLOCK";
        case MessageType::block_ack: return "BLOCK_ACK";
        case MessageType::sync_request: return "SYNC_REQUEST";
        case MessageType::sync_response: return "SYNC_RESPONSE";
        case MessageType::peer_hello: return "PEER_HELLO";
        case MessageType::peer_info: return "PEER_INFO";
        case MessageType::status: return "STATUS";
        case MessageType::cookie: return "COOKIE";
        case MessageType::vote_request: return "VOTE_REQ";
        case MessageType::evidence: return "EVIDENCE";
        case MessageType::sync_data: return "SYNC_DATA";
        case MessageType::state_request: return "STATE_REQ";
        case MessageType::state_response: return "STATE";
        case MessageType::routed: return "ROUTED";
        case MessageType::probe: return "PROBE";
        case MessageType::receipt: return "RECEIPT";
        case MessageType::clock_ask: return "CLOCK_ASK";
        case MessageType::clock_answer: return "CLOCK_ANSWER";
        case MessageType::air_ask: return "AIR_ASK";
        case MessageType::block_row: return "BLOCK_ROW";
        case MessageType::short_vote: return "SHORT_VOTE";
        case MessageType::short_block: return "SHORT_BLOCK";
        case MessageType::record: return "RECORD";
        case MessageType::reconcile: return "RECONCILE";
        case MessageType::record_receipt: return "RECORD_RECEIPT";
        case MessageType::alert_direct: return "ALERT_DIRECT";
        case MessageType::search_query: return "SEARCH_QUERY";
        case MessageType::search_answer: return "SEARCH_ANSWER";
        case MessageType::alert_receipt: return "ALERT_RECEIPT";
        case MessageType::alert_on_air: return "ALERT_ON_AIR";
        case MessageType::alert_digest: return "ALERT_DIGEST";
    }
    return "UNKNOWN";
}

}  // namespace meshchain::wire
