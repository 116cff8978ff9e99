#pragma once
// A store's whole content as one stream that no engine knows about: to move it from one engine to
// another (row B16). The same content gives the same bytes, whatever engine held it.
//
// Limits:  a part of the stream, part_bytes_max, is in memory at a time.
// Errors:  malformed and wrong_version (no such stream), corrupt (changed, cut short, out of
//          order), whatever sink, source and receivers say.
// Format:  docs/formats/store-export.md

#include <functional>
#include <vector>

#include "crypto/hash.h"
#include "kv/store.h"

namespace meshchain::host {

struct ExportHead {
    static constexpr std::size_t tables_max = kv::tables_max;

    crypto::Hash chain;
    crypto::Hash tip;
    std::uint32_t height = 0;
    struct Table {
        kv::Table table;
        std::string name;
        friend bool operator==(const Table&, const Table&) = default;
    };
    std::vector<Table> tables;  ///< ascending
    friend bool operator==(const ExportHead&, const ExportHead&) = default;
};

struct ExportEnd {
    std::uint64_t entries = 0;
    crypto::Hash fingerprint;  ///< of everything
};

class StoreExportWriter {
public:
    using Sink = std::function<std::expected<void, base::Error>(base::Bytes)>;
    explicit StoreExportWriter(Sink sink) : sink_(std::move(sink)) {}

    /// First, once.
    std::expected<void, base::Error> begin(const ExportHead& head);
    /// In order of table and key.
    std::expected<void, base::Error> put(kv::Table table, base::Bytes key, base::Bytes value);
    std::expected<ExportEnd, base::Error> finish();

private:
    std::expected<void, base::Error> write_part();

    Sink sink_;
    base::Buffer part_;
    crypto::Hash chained_{};
    std::uint64_t entries_ = 0;
};

struct StoreExportReader {
    static constexpr std::size_t part_bytes_max = 512 * 1024;

    /// Fills `out` or, at the end of the stream, less of it; says how much.
    using Source = std::function<std::expected<std::size_t, base::Error>(base::MutableBytes out)>;

    Source source;
    std::function<std::expected<void, base::Error>(const ExportHead&)> on_head;
    std::function<std::expected<void, base::Error>(kv::Table, base::Bytes key, base::Bytes value)>
        on_entry;

    /// Reads to the end. What was received before an Error is not to be relied on.
    std::expected<ExportEnd, base::Error> run();
};

}  // namespace meshchain::host
