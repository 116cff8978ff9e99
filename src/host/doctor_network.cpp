// The doctor's look at what the node needs of the network and the clock.

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/timex.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "host/asio_address.h"
#include "host/doctor_checks.h"
#include "host/system_wall_clock.h"
#include "host/time_text.h"
#include "host/udp_link.h"

namespace meshchain::host {
namespace {

/// Whether a card of this machine reaches others by multicast.
bool has_multicast_card() {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return true;  // unknown
    bool found = false;
    for (const ifaddrs* card = first; card != nullptr; card = card->ifa_next) {
        const unsigned wanted = IFF_UP | IFF_MULTICAST;
        const bool is_ipv4 = card->ifa_addr != nullptr && card->ifa_addr->sa_family == AF_INET;
        found |= is_ipv4 && (card->ifa_flags & wanted) == wanted &&
                 (card->ifa_flags & IFF_LOOPBACK) == 0;
    }
    ::freeifaddrs(first);
    return found;
}

void check_ways_to_peers(Patient& patient) {
    const node::NetworkConfig& network = patient.config->network;
    if (!network.multicast) {
        const bool alone = patient.genesis && patient.genesis->validators.size() == 1 &&
                           patient.config->role == wire::Role::validator;
        if (network.static_peers.empty() && !alone) {
            patient.add("no_way_to_peers", Severity::warning, "The node can meet nobody by itself",
                        "multicast is off and no static peer is named",
                        "name a peer in network.static_peers, or let others name this node");
        }
        return;
    }
    if (!node::is_loopback(network.interface) && !has_multicast_card()) {
        patient.add("no_multicast", Severity::warning, "Multicast reaches nobody",
                    "no network card that is up can do it",
                    "bring one up, or turn network.multicast off and name static peers");
    }
}

/// Opens what the node would open, and closes it again.
void check_link(Patient& patient) {
    boost::asio::io_context io;
    const auto link = UdpLink::open(io, udp_options(patient.config->network));
    if (link) {
        (*link)->close();
        return;
    }
    const bool taken = link.error().code == base::Errc::exists;
    patient.add(taken ? "port_taken" : "link", Severity::fault,
                taken ? "The node's port is taken" : "The node's link cannot be opened",
                link.error());
}

void check_api_port(Patient& patient) {
    const base::LinkAddress& address = patient.config->api.address;
    if (address.port == 0) return;
    boost::asio::io_context io;
    boost::asio::ip::tcp::acceptor acceptor(io);
    boost::system::error_code error;
    const auto endpoint = to_endpoint<boost::asio::ip::tcp::endpoint>(address);
    acceptor.open(endpoint.protocol(), error);
    acceptor.set_option(boost::asio::socket_base::reuse_address(true), error);
    acceptor.bind(endpoint, error);
    if (!error) return;
    patient.add("api_port_taken", Severity::fault, "The API cannot listen",
                base::to_string(address) + ": " + error.message(),
                "stop what listens there, or change api.address");
}

}  // namespace

void check_network(Patient& patient) {
    patient.checked.emplace_back("network");
    const bool has_network = patient.config->network.enabled;
    if (has_network) check_ways_to_peers(patient);
    if (!patient.running) {
        if (has_network) check_link(patient);
        check_api_port(patient);
    }
    if (patient.config->radios.empty()) {
        patient.add("no_radio", Severity::note, "No radio is configured",
                    "config.json has nothing under radios",
                    "nothing to do, unless there is one: docs/meshtastic.md");
    }
}

void check_clock(Patient& patient) {
    patient.checked.emplace_back("clock");
    const base::WallTime now = SystemWallClock().read();
    if (patient.genesis && now < patient.genesis->start) {
        patient.add("before_genesis", Severity::warning, "The chain has not begun",
                    "by this machine's clock it is " + to_iso(now) + ", and the chain starts at " +
                        to_iso(patient.genesis->start),
                    "wait, or set the clock (timedatectl)");
    }
    std::error_code error;
    const auto written = patient.config ? std::filesystem::last_write_time(
                                              patient.folder.store(*patient.config), error)
                                        : std::filesystem::file_time_type::min();
    const auto file_now = std::filesystem::file_time_type::clock::now();
    if (!error && written > file_now + std::chrono::minutes(1)) {
        patient.add("clock_behind", Severity::fault, "The clock went back",
                    "the store was written later than it is now by this machine's clock",
                    "set the clock (timedatectl) before the node runs");
    }
    timex status{};
    if (::adjtimex(&status) == TIME_ERROR) {
        patient.add("clock_unsynchronised", Severity::note,
                    "The system does not say that its clock is right", "no time service has set it",
                    "where there is one, turn it on (timedatectl)");
    }
}

}  // namespace meshchain::host
