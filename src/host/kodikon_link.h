#pragma once
// The socket of a bridge to Kodikon nodes (row F10): UDP over IPv4, on the port that they use.
//
// Ownership: borrows the io_context and the service. The service has the link as an observer from
//            open() on and calls it for every record, so the link is destroyed after the service's
//            last call; close() ends all else.
// Threads:   the io_context's one, which is the node's.
// Limits:    those of KodikonBridge; 64 datagrams a turn, so that a storm lets others have theirs.
// Errors:    open() says which setting is wrong and what to do; later faults lose the datagram, are
//            counted, and are in fault() until one leaves again.
// Format:    docs/formats/kodikon.md

#include <functional>
#include <memory>

#include "base/log.h"
#include "host/kodikon_bridge.h"
#include "node/config.h"

namespace boost::asio {
class io_context;
}

namespace meshchain::host {

class KodikonLink {
public:
    /// `clock` is asked at every event. `settings.enabled` is the caller's to look at.
    /// Errors: invalid_argument (an address that this machine does not have), exists (another
    /// program has the port for itself), unauthorized, unavailable (no network to announce an
    /// address of), io.
    static std::expected<std::unique_ptr<KodikonLink>, base::Error> open(
        boost::asio::io_context& context, const node::KodikonConfig& settings,
        records::RecordService& records, std::function<base::Now()> clock, base::Log log = {});
    ~KodikonLink();
    KodikonLink(const KodikonLink&) = delete;
    KodikonLink& operator=(const KodikonLink&) = delete;

    KodikonView view() const;
    /// Why the last datagram did not leave.
    std::optional<base::Error> fault() const;
    base::LinkAddress local_address() const;
    void close();

private:
    class Session;
    explicit KodikonLink(std::shared_ptr<Session> session) : session_(std::move(session)) {}

    std::shared_ptr<Session> session_;  ///< pending operations hold it weakly
};

}  // namespace meshchain::host
