#pragma once
// Origins, stores and records for the tests of this folder.

#include <gtest/gtest.h>

#include "kv/memory_store.h"
#include "records/alert.h"
#include "records/record_store.h"
#include "records/registry_entry.h"

namespace meshchain::records::test {

inline constexpr kv::Table table{1};
inline constexpr kv::Table receipts_table{2};
inline constexpr kv::TableInfo tables[] = {{table, "records"}, {receipts_table, "receipts"}};

inline wire::ChainId chain_id() {
    wire::ChainId chain;
    chain.bytes.fill(std::byte{0xcc});
    return chain;
}
inline crypto::SigningKey key_of(unsigned number) {
    crypto::SigningKey::Seed seed{};
    seed[0] = static_cast<std::byte>(number);
    seed[1] = static_cast<std::byte>(number >> 8);
    return crypto::SigningKey::from_seed(seed);
}
inline crypto::PublicKey public_key_of(unsigned number) { return key_of(number).public_key(); }

inline constexpr std::int64_t start_ms = 1'800'000'000'000;
/// So long after the start.
inline base::Now at(base::Duration passed) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(passed);
    return {base::Instant{std::chrono::hours(1)} + passed,
            base::wall_from_unix_ms(start_ms + ms.count())};
}

inline base::Buffer bytes_of(std::string_view text) {
    return base::to_buffer(base::as_bytes(text));
}
/// In the form of the kind; of those that are not here the text itself.
inline base::Buffer body_of(wire::RecordKind kind, std::string_view text,
                            AlertPriority priority = AlertPriority::normal) {
    if (kind == wire::RecordKind::alert) return encode(Alert{priority, std::string(text), {}});
    if (kind != wire::RecordKind::registry) return bytes_of(text);
    RegistryEntry entry;
    entry.metadata = text;
    return encode(entry);
}
inline std::string text_of(const wire::Record& record) {
    if (record.kind == wire::RecordKind::alert) return parse_alert(record.body).value().text;
    if (record.kind != wire::RecordKind::registry) return std::string(base::as_text(record.body));
    return parse_registry_entry(record.body).value().metadata;
}

/// A record of `origin`, dated at `at` and good for `lifetime`.
struct Told {
    unsigned origin = 1;
    wire::RecordKind kind = wire::RecordKind::registry;
    std::string key = "key";
    std::string body = "body";
    std::uint64_t sequence = 1;
    base::Duration at{};
    std::chrono::seconds lifetime{3'600};
    bool tombstone = false;
    Segment segment = {};
    AlertPriority priority = AlertPriority::normal;
    std::optional<base::Buffer> raw_body = {};  ///< in place of `body`
};
inline wire::Record signed_record(const Told& told, const wire::ChainId& chain = chain_id()) {
    const crypto::SigningKey key = key_of(told.origin);
    wire::Record record;
    record.kind = told.kind;
    record.origin = key.public_key();
    record.sequence = told.sequence;
    record.stamp.ms = static_cast<std::uint64_t>(base::unix_ms(at(told.at).wall));
    record.expires = static_cast<std::uint32_t>(record.stamp.ms / 1'000) +
                     static_cast<std::uint32_t>(told.lifetime.count());
    record.tombstone = told.tombstone;
    record.segment = told.segment;
    record.key = bytes_of(told.key);
    if (!told.tombstone) {
        record.body = told.raw_body.value_or(body_of(told.kind, told.body, told.priority));
    }
    record.signature = key.sign(wire::record_preimage(chain, record));
    return record;
}

/// A store in memory, and what is opened on it.
struct Opened {
    explicit Opened(unsigned self,
                    RecordStore::Options options = {.table = table, .chain = chain_id()})
        : self_(self), options_(std::move(options)) {
        reopen();
    }
    void reopen(base::Now now = at({})) {
        records.reset();
        kv.reset();
        kv = open_kv();
        records = RecordStore::open(*kv, options_, key_of(self_), now).value();
    }
    std::unique_ptr<kv::Store> open_kv() {
        return kv::MemoryStore::open(medium, {.tables = tables}).value();
    }

    unsigned self_;
    RecordStore::Options options_;
    std::shared_ptr<kv::MemoryMedium> medium = std::make_shared<kv::MemoryMedium>();
    std::unique_ptr<kv::Store> kv;
    std::unique_ptr<RecordStore> records;
};

}  // namespace meshchain::records::test
