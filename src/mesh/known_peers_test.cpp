// Peers that are remembered over restarts, and who gets a slot when none is free (row F1).

#include "mesh/known_peers.h"

#include <gtest/gtest.h>

#include "mesh/test_network.h"

namespace meshchain::mesh::test {
namespace {

KnownPeer known(std::uint8_t number, std::uint32_t seen) {
    return {key_of(number).public_key(), address_of(number), seen};
}

TEST(KnownPeers, ReadBack_AreWhatWasWritten) {
    const std::vector peers{known(1, 5), known(2, 0xFFFF'FFFF)};
    const base::Buffer bytes = encode(peers);
    EXPECT_EQ(bytes.size(), 2 + 2 * KnownPeers::peer_bytes);
    EXPECT_EQ(parse_known_peers(bytes), peers);
    EXPECT_EQ(parse_known_peers(encode({})), std::vector<KnownPeer>{});
}

TEST(KnownPeers, DamagedLists_AreErrors) {
    const base::Buffer bytes = encode(std::array{known(1, 5)});
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(parse_known_peers(base::Bytes(bytes).first(length)).has_value()) << length;
    }
    base::Buffer other = bytes;
    other[0] = std::byte{2};
    EXPECT_EQ(parse_known_peers(other).error().code, base::Errc::wrong_version);
    other = bytes;
    other[1] = std::byte{65};
    other.resize(2 + 65 * KnownPeers::peer_bytes);
    EXPECT_EQ(parse_known_peers(other).error().code, base::Errc::malformed);
}

TEST(KnownPeers, FullList_ForgetsTheLongestUnseen) {
    KnownPeers peers;
    for (std::uint8_t i = 1; i <= KnownPeers::peers_max; ++i) peers.note(known(i, 100U + i));
    peers.note(known(1, 500));
    peers.note(known(200, 300));
    EXPECT_EQ(peers.all().size(), KnownPeers::peers_max);
    EXPECT_TRUE(peers.contains(key_of(1).public_key()));
    EXPECT_TRUE(peers.contains(key_of(200).public_key()));
    EXPECT_FALSE(peers.contains(key_of(2).public_key()));
}

wire::Outgoing transaction(std::string_view text) {
    return {.type = wire::MessageType::transaction,
            .to = std::nullopt,
            .except = std::nullopt,
            .payload = base::to_buffer(base::as_bytes(text))};
}

/// Without multicast, so that only what is remembered brings peers together.
Options quiet() {
    Options options;
    options.multicast = false;
    return options;
}

TEST(KnownPeers, UsefulPeer_IsDialledAgainAfterARestart) {
    Network network;
    const auto nodes = network.make_nodes(2, quiet());
    nodes[0]->mesh().announce_peer(network.now(), nodes[1]->address());
    network.run_for(2s);
    ASSERT_TRUE(nodes[0]->mesh().is_connected(nodes[1]->key()));
    ASSERT_TRUE(nodes[1]->mesh().send(network.now(), transaction("worth having")));
    network.run_for(70s);
    nodes[0]->mesh().stop(network.now());
    nodes[0]->restart(1);
    network.run_for(2s);
    EXPECT_TRUE(nodes[0]->mesh().is_connected(nodes[1]->key()));
}

TEST(KnownPeers, KilledNode_RemembersWhatItWroteInTime) {
    Network network;
    const auto nodes = network.make_nodes(2, quiet());
    nodes[0]->mesh().announce_peer(network.now(), nodes[1]->address());
    network.run_for(2s);
    ASSERT_TRUE(nodes[1]->mesh().send(network.now(), transaction("worth having")));
    network.run_for(11min);
    nodes[0]->restart(1);  // power off, without stop()
    network.run_for(2s);
    EXPECT_TRUE(nodes[0]->mesh().is_connected(nodes[1]->key()));
}

TEST(KnownPeers, PeerThatShowedNothing_IsNotRemembered) {
    Network network;
    const auto nodes = network.make_nodes(2, quiet());
    nodes[0]->mesh().announce_peer(network.now(), nodes[1]->address());
    network.run_for(70s);
    nodes[0]->mesh().stop(network.now());
    nodes[1]->power_off();
    nodes[0]->restart(1);
    const std::size_t begin = network.sent.size();
    network.run_for(60s);
    EXPECT_EQ(network.count_sent(wire::MessageType::peer_hello, begin), 0U);
}

TEST(KnownPeers, DeadOnes_AreDialledFiveTimesAndLeftToDiscovery) {
    Network network;
    const auto nodes = network.make_nodes(2, quiet());
    nodes[0]->mesh().announce_peer(network.now(), nodes[1]->address());
    network.run_for(2s);
    ASSERT_TRUE(nodes[1]->mesh().send(network.now(), transaction("worth having")));
    network.run_for(70s);
    nodes[0]->mesh().stop(network.now());
    nodes[1]->power_off();
    nodes[0]->restart(1);
    const std::size_t begin = network.sent.size();
    network.run_for(10min);
    EXPECT_EQ(network.count_sent(wire::MessageType::peer_hello, begin), 5U);
}

/// A table with three ordinary slots and one reserved.
class Admission : public testing::Test {
protected:
    static Options options() {
        Options options;
        options.peers_max = 4;
        options.peers_reserved = 1;
        return options;
    }
    static base::LinkAddress at(std::uint8_t network, std::uint8_t host, std::uint16_t port) {
        base::LinkAddress address = address_of(port);
        address.host[14] = std::byte{network};
        address.host[15] = std::byte{host};
        return address;
    }
    PeerEntry& open(std::uint8_t number, const base::LinkAddress& address) {
        const crypto::PublicKey key = key_of(number).public_key();
        PeerEntry& entry = table_.add(now_.instant, key, crypto::node_id(key));
        table_.open_session(entry,
                            {.endpoint = {.link = 0, .address = address},
                             .work = FairBudget(now_.instant, {.per_minute = 60, .burst = 2}, 2),
                             .opened = now_.instant});
        return entry;
    }
    PeerTable::Admission admit(const base::LinkAddress& address, bool is_known = false) {
        return table_.admit(now_.instant, {.address = address, .is_known = is_known});
    }
    PeerTable::Admission admit_drawn(const base::LinkAddress& address) {
        return table_.admit(now_.instant, {.address = address, .is_drawn = true});
    }

    base::Now now_{base::Instant{1h}, {}};
    PeerTable table_{options()};
};

TEST_F(Admission, OneNetworkThatFillsTheTable_MakesRoomForAnother) {
    for (std::uint8_t i = 1; i <= 3; ++i) open(i, at(1, i, i));
    const auto admission = admit(at(2, 1, 50));
    ASSERT_TRUE(admission.admitted);
    EXPECT_NE(admission.evict, nullptr);
    EXPECT_FALSE(admit(at(1, 77, 50)).admitted) << "nobody gains from an exchange within it";
}

TEST_F(Admission, OneHostThatFillsTheTable_MakesRoomForItsNeighbour) {
    for (std::uint8_t i = 1; i <= 3; ++i) open(i, at(1, 9, i));
    EXPECT_TRUE(admit(at(1, 8, 50)).admitted);
    EXPECT_FALSE(admit(at(1, 9, 50)).admitted);
}

TEST_F(Admission, TwoNewcomers_CannotTakeTurnsPushingEachOtherOut) {
    open(1, at(1, 1, 1));
    open(2, at(1, 2, 2));
    open(3, at(2, 1, 3));
    EXPECT_FALSE(admit(at(2, 7, 50)).admitted);
    EXPECT_FALSE(admit(at(1, 7, 50)).admitted);
    ASSERT_TRUE(admit(at(3, 7, 50)).admitted) << "a third network has none of three slots";
}

TEST_F(Admission, UsefulPeersOfAMinute_AreSafeInTheUpperHalf) {
    PeerEntry& useful = open(1, at(1, 1, 1));
    PeerEntry& more_useful = open(2, at(1, 2, 2));
    PeerEntry& useless = open(3, at(1, 3, 3));
    useful.peer.metrics.useful = 5;
    more_useful.peer.metrics.useful = 9;
    now_.instant += 2min;
    EXPECT_EQ(admit(at(2, 1, 50)).evict, &useless);
    useless.peer.metrics.useful = 1;
    EXPECT_EQ(admit(at(2, 1, 50)).evict, &useless) << "the lower half is not safe";
}

TEST_F(Admission, FloodOfNetworks_LeavesTheUsefulHalf) {
    PeerEntry& useful = open(1, at(1, 1, 1));
    useful.peer.metrics.useful = 5;
    now_.instant += 2min;
    open(2, at(1, 2, 2));
    open(3, at(1, 3, 3));
    for (std::uint8_t i = 10; i < 60; ++i) {
        const auto admission = admit(at(i, 1, i));
        if (!admission.admitted) continue;
        ASSERT_NE(admission.evict, &useful);
        if (admission.evict != nullptr) table_.close_session(*admission.evict);
        open(i, at(i, 1, i));
        table_.check_invariants();
    }
    EXPECT_TRUE(useful.session.has_value());
}

TEST_F(Admission, PeerKnownFromBefore_GoesBeforeOneThatShowedNothing) {
    for (std::uint8_t i = 1; i <= 3; ++i) open(i, at(1, i, i));
    EXPECT_FALSE(admit(at(1, 50, 50)).admitted);
    ASSERT_TRUE(admit(at(1, 50, 50), true).admitted);
    for (std::uint8_t i = 1; i <= 3; ++i) {
        table_.find(key_of(i).public_key())->peer.metrics.useful = 1;
    }
    EXPECT_FALSE(admit(at(1, 50, 50), true).admitted);
}

TEST_F(Admission, NewcomerDrawnByLot_TakesThePlaceOfWhoBroughtLeast_AfterAMinute) {
    PeerEntry& useful = open(1, at(1, 1, 1));
    useful.peer.metrics.useful = 5;
    now_.instant += 1s;
    PeerEntry& useless = open(2, at(2, 1, 2));
    now_.instant += 1s;
    PeerEntry& newest = open(3, at(3, 1, 3));
    EXPECT_FALSE(admit_drawn(at(1, 50, 50)).admitted) << "each has its minute";
    now_.instant += 59s;
    EXPECT_EQ(admit_drawn(at(1, 50, 50)).evict, &useless) << "of equals the one here longest";
    EXPECT_FALSE(admit(at(1, 50, 50)).admitted) << "without the lot nobody leaves";
    useless.peer.metrics.useful = 1;
    now_.instant += 1s;
    EXPECT_EQ(admit_drawn(at(1, 50, 50)).evict, &newest);
    newest.peer.metrics.useful = 6;
    EXPECT_EQ(admit_drawn(at(1, 50, 50)).evict, &useless);
}

TEST_F(Admission, ReservedSlot_IsForThePrivilegedAlone) {
    for (std::uint8_t i = 1; i <= 3; ++i) open(i, at(i, 1, i));
    EXPECT_FALSE(admit(at(9, 1, 50)).admitted);
    const auto privileged =
        table_.admit(now_.instant, {.address = at(9, 1, 50), .is_privileged = true});
    EXPECT_TRUE(privileged.admitted);
    EXPECT_EQ(privileged.evict, nullptr);
}

}  // namespace
}  // namespace meshchain::mesh::test
