#include "mesh/event.h"
#include "mesh/peer.h"
#include "mesh/stats.h"

namespace meshchain::mesh {

std::string_view grade(PeerScore score) {
    if (score.value() >= PeerScore::excellent) return "EXCELLENT";
    if (score.value() >= PeerScore::good) return "GOOD";
    if (score.value() >= PeerScore::fair) return "FAIR";
    return score.is_failed() ? "FAILED" : "POOR";
}

std::string_view name(LossReason reason) {
    switch (reason) {
        case LossReason::silent: return "silent";
        case LossReason::punished: return "punished";
        case LossReason::replaced: return "replaced";
        case LossReason::crowded_out: return "crowded out";
        case LossReason::stopped: return "stopped";
    }
    return "unknown";
}

std::string_view name(RoutedOutcome outcome) {
    switch (outcome) {
        case RoutedOutcome::taken: return "taken";
        case RoutedOutcome::refused: return "refused";
        case RoutedOutcome::lost: return "lost";
    }
    return "unknown";
}

std::string_view name(Drop reason) {
    switch (reason) {
        case Drop::malformed: return "malformed";
        case Drop::unknown_type: return "unknown_type";
        case Drop::size: return "size";
        case Drop::no_session: return "no_session";
        case Drop::elsewhere: return "elsewhere";
        case Drop::rate: return "rate";
        case Drop::work: return "work";
        case Drop::handshake_rate: return "handshake_rate";
        case Drop::refused: return "refused";
        case Drop::wrong_chain: return "wrong_chain";
        case Drop::wrong_version: return "wrong_version";
        case Drop::bad_cookie: return "bad_cookie";
        case Drop::bad_signature: return "bad_signature";
        case Drop::bad_origin: return "bad_origin";
        case Drop::replayed: return "replayed";
        case Drop::duplicate: return "duplicate";
        case Drop::own: return "own";
        case Drop::occupied: return "occupied";
        case Drop::crowded: return "crowded";
        case Drop::ignored: return "ignored";
        case Drop::punished: return "punished";
    }
    return "unknown";
}

}  // namespace meshchain::mesh
