#pragma once
// A machine that runs node::Node, the very one that runs under asio, on a simulated disk.
//
// The disk outlives the node; a crash is what a power cut leaves of it. A key that is brought to an
// empty disk has no signing record there, and waits as PROTOCOL.md P3 says ("a key restored").

#include "base/log.h"
#include "crypto/heap_secret_memory.h"
#include "mesh/ip_frames.h"
#include "node/node.h"
#include "radio/radio_frames.h"
#include "records/record_service.h"
#include "sim/disk.h"
#include "sim/doors.h"
#include "sim/machine.h"
#include "sim/radio_door.h"
#include "wallet/key_file.h"

namespace meshchain::sim {

/// What a person has: the keys, wherever they are used.
struct Credentials {
    explicit Credentials(base::Random random);

    crypto::SigningKey identity() const { return crypto::SigningKey::from_seed(identity_seed); }
    crypto::SigningKey validating() const { return crypto::SigningKey::from_seed(validating_seed); }
    const crypto::PublicKey& payee() const { return wallet.keys[0]; }

    crypto::SigningKey::Seed identity_seed{};
    crypto::SigningKey::Seed validating_seed{};
    wallet::KeyFile wallet;
};

class NodeMachine final : public Machine {
public:
    struct Options {
        wire::Role role = wire::Role::validator;
        DiskKind disk = DiskKind::flash;
        std::uint32_t flash_kb = Disk::flash_kb_default;
        std::uint32_t undo_blocks = 16'384;
        base::Duration heartbeat = std::chrono::seconds(5);
        std::string name;
        bool has_wallet = true;
        base::LogSink* log = nullptr;
        /// It has this radio, which outlives it.
        RadioDoor* radio = nullptr;
        radio::AirtimeOptions airtime{};
        bool has_network = true;  ///< of datagrams
        bool shares_records = false;
        std::vector<std::string> segments = {};  ///< it is a member of
    };
    /// `credentials` and `genesis` outlive it. A new key: the disk knows that it signed nothing.
    NodeMachine(std::size_t index, Clock clock, const Credentials& credentials,
                const ledger::Genesis& genesis, Options options, base::Random random);

    std::expected<void, base::Error> start(base::Now now) override;
    void crash() override;
    bool is_on() const override { return node_ != nullptr; }
    void step(base::Now now) override;
    base::Instant poll_timeout(base::Now now) const override { return node_->poll_timeout(now); }
    base::Duration take_busy() override { return disk_.take_busy(); }
    bool has_power() const override { return disk_.has_power(); }

    /// It is off. The keys stay: whoever starts it restores them.
    void wipe();
    node::Node& node() { return *node_; }
    const node::Node& node() const { return *node_; }
    /// It is on.
    kv::Store& store() { return *store_; }
    Disk& disk() { return disk_; }
    SettableTimeSource& time_source() { return time_source_; }
    const Credentials& credentials() const { return credentials_; }
    /// It is on, and shares records.
    records::RecordService& records() { return *records_; }
    /// It is on, and has a radio.
    const radio::RadioFrames& air() const { return *air_; }
    const Options& options() const { return options_; }

private:
    std::expected<void, base::Error> boot(base::Now now);
    std::expected<void, base::Error> open_records(base::Now now);
    std::expected<void, base::Error> open_wallet(base::Now now);

    const Credentials& credentials_;
    const ledger::Genesis& genesis_;
    Options options_;
    base::Random random_;
    Disk disk_;
    SeededEntropy entropy_;
    QuickKdf kdf_;
    SettableTimeSource time_source_;
    crypto::HeapSecretMemory memory_;
    std::unique_ptr<kv::Store> store_;
    std::unique_ptr<mesh::IpFrames> frames_;
    std::unique_ptr<radio::RadioFrames> air_;
    std::unique_ptr<records::RecordService> records_;
    unsigned starts_ = 0;
    std::unique_ptr<node::Node> node_;
};

}  // namespace meshchain::sim
