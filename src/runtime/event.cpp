#include "runtime/event.h"

namespace meshchain::runtime {

std::string_view name(EventType type) {
    switch (type) {
        case EventType::peer_discovered: return "PEER_DISCOVERED";
        case EventType::peer_lost: return "PEER_LOST";
        case EventType::message_received: return "MESSAGE_RECEIVED";
        case EventType::message_sent: return "MESSAGE_SENT";
        case EventType::sync_started: return "SYNC_STARTED";
        case EventType::sync_completed: return "SYNC_COMPLETED";
        case EventType::block_received: return "BLOCK_RECEIVED";
        case EventType::block_proposed: return "BLOCK_PROPOSED";
        case EventType::block_validated: return "BLOCK_VALIDATED";
        case EventType::block_added: return "BLOCK_ADDED";
        case EventType::transaction_received: return "TRANSACTION_RECEIVED";
        case EventType::transaction_validated: return "TRANSACTION_VALIDATED";
        case EventType::transaction_added: return "TRANSACTION_ADDED";
        case EventType::transaction_confirmed: return "TRANSACTION_CONFIRMED";
        case EventType::consensus_round_start: return "CONSENSUS_ROUND_START";
        case EventType::consensus_round_end: return "CONSENSUS_ROUND_END";
        case EventType::validator_selected: return "VALIDATOR_SELECTED";
        case EventType::block_approved: return "BLOCK_APPROVED";
        case EventType::wallet_created: return "WALLET_CREATED";
        case EventType::wallet_unlocked: return "WALLET_UNLOCKED";
        case EventType::wallet_locked: return "WALLET_LOCKED";
        case EventType::record_taken: return "RECORD_TAKEN";
        case EventType::alert_received: return "ALERT_RECEIVED";
        case EventType::search_answered: return "SEARCH_ANSWERED";
        case EventType::node_started: return "NODE_STARTED";
        case EventType::node_stopped: return "NODE_STOPPED";
        case EventType::node_error: return "NODE_ERROR";
        case EventType::node_synced: return "NODE_SYNCED";
        case EventType::custom: return "CUSTOM";
    }
    return type > EventType::custom ? "CUSTOM" : "UNKNOWN";
}

}  // namespace meshchain::runtime
