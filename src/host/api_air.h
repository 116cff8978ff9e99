#pragma once
// The member `waits_for_air` of an answer: whoever hands in a message at a node whose only way out
// is the air is told if it does not leave at once.
//
// For .cpp files of the API only.

#include <vector>

#include "host/air_wait.h"
#include "host/api_request.h"

namespace meshchain::host {

class AirNotice {
public:
    /// Before the message is handed in.
    explicit AirNotice(const ApiDoors& doors);

    /// `answer`, and what an object of this type, whose rule is among `rules`, waits for if it
    /// does.
    Json add_to(Json answer, std::span<const wire::MessageRule> rules, wire::MessageType type,
                std::size_t payload_bytes) const;
    Json add_to(Json answer, std::size_t transaction_bytes) const;

private:
    base::Instant now_;
    std::vector<WayOut> ways_;  ///< empty: there is another, or none at all
};

}  // namespace meshchain::host
