#include "host/store_export.h"

#include <algorithm>

#include "base/assert.h"
#include "base/cursor.h"

namespace meshchain::host {
namespace {

using Result = std::expected<void, base::Error>;

constexpr std::string_view magic = "MCstore\n";
constexpr std::uint16_t version = 1;
constexpr std::size_t part_bytes_wanted = 256 * 1024;
constexpr auto advice = "make the export again, or take another copy of the file";

enum class Kind : std::uint8_t { head = 'h', entries = 'e', end = 'z' };

std::unexpected<base::Error> refused(base::Errc code, std::string what) {
    return base::failure(code, std::move(what), "store export", advice);
}

std::expected<ExportHead, base::Error> parse_head(base::Reader& in) {
    ExportHead head;
    head.chain.bytes = in.array<crypto::Hash::size>();
    head.tip.bytes = in.array<crypto::Hash::size>();
    head.height = in.u32();
    const std::size_t count = in.u8();
    if (count > ExportHead::tables_max) in.fail();
    for (std::size_t i = 0; in.ok() && i < count; ++i) {
        const kv::Table table{in.u8()};
        std::string name(base::as_text(in.take(in.u8())));
        if (!head.tables.empty() && head.tables.back().table >= table) in.fail();
        head.tables.push_back({table, std::move(name)});
    }
    MESH_CHECK(in.finish("store export"));
    return head;
}

/// Entries of the stream, which must come in order.
class EntryReader {
public:
    Result read(base::Reader& in, const ExportHead& head, const StoreExportReader& to) {
        while (in.ok() && in.remaining() > 0) {
            const kv::Table table{in.u8()};
            const std::size_t key_bytes = in.u8();
            const std::size_t value_bytes = in.u32();
            const base::Bytes key = in.take(key_bytes);
            const base::Bytes value = in.take(value_bytes);
            if (!in.ok() || !is_next(head, table, key)) break;
            last_table_ = table;
            last_key_.assign(key.begin(), key.end());
            ++count_;
            MESH_CHECK(to.on_entry(table, key, value));
        }
        if (in.ok() && in.remaining() == 0) return {};
        return refused(base::Errc::malformed, "an entry does not parse or is out of order");
    }
    std::uint64_t count() const { return count_; }

private:
    bool is_next(const ExportHead& head, kv::Table table, base::Bytes key) const {
        const bool is_listed = std::ranges::any_of(
            head.tables, [&](const ExportHead::Table& listed) { return listed.table == table; });
        if (!is_listed || key.empty()) return false;
        if (count_ == 0 || table > last_table_) return true;
        return table == last_table_ && std::ranges::lexicographical_compare(last_key_, key);
    }

    kv::Table last_table_{};
    base::Buffer last_key_;
    std::uint64_t count_ = 0;
};

/// The next part, proven to follow those before it.
class PartReader {
public:
    explicit PartReader(const StoreExportReader::Source& source) : source_(source) {}

    std::expected<base::Bytes, base::Error> next() {
        std::array<std::byte, 4> length{};
        MESH_CHECK(fill(length));
        const std::size_t size = base::Reader(length).u32();
        if (size == 0 || size > StoreExportReader::part_bytes_max) {
            return refused(base::Errc::corrupt, "a part of " + std::to_string(size) + " bytes");
        }
        part_.resize(size);
        MESH_CHECK(fill(part_));
        crypto::Hash stored;
        MESH_CHECK(fill(stored.bytes));
        chained_ = crypto::hash(chained_.span(), part_);
        if (stored != chained_) return refused(base::Errc::corrupt, "a checksum does not match");
        return base::Bytes(part_);
    }
    Result fill(base::MutableBytes out) {
        MESH_TRY(const std::size_t got, source_(out));
        if (got == out.size()) return {};
        return refused(base::Errc::corrupt, "the file is cut short");
    }
    Result finish() {
        std::array<std::byte, 1> more{};
        MESH_TRY(const std::size_t got, source_(more));
        if (got == 0) return {};
        return refused(base::Errc::corrupt, "something follows its end");
    }
    const crypto::Hash& chained() const { return chained_; }

private:
    const StoreExportReader::Source& source_;
    base::Buffer part_;
    crypto::Hash chained_{};
};

}  // namespace

Result StoreExportWriter::begin(const ExportHead& head) {
    base::Buffer preamble;
    base::Writer(preamble).text(magic).u16(version);
    MESH_CHECK(sink_(preamble));
    part_.clear();
    base::Writer out(part_);
    out.u8(static_cast<std::uint8_t>(Kind::head))
        .bytes(head.chain.span())
        .bytes(head.tip.span())
        .u32(head.height)
        .u8(static_cast<std::uint8_t>(head.tables.size()));
    for (const ExportHead::Table& table : head.tables) {
        out.u8(static_cast<std::uint8_t>(table.table))
            .u8(static_cast<std::uint8_t>(table.name.size()))
            .text(table.name);
    }
    return write_part();
}

Result StoreExportWriter::put(kv::Table table, base::Bytes key, base::Bytes value) {
    base::Writer out(part_);
    if (part_.empty()) out.u8(static_cast<std::uint8_t>(Kind::entries));
    out.u8(static_cast<std::uint8_t>(table))
        .u8(static_cast<std::uint8_t>(key.size()))
        .u32(static_cast<std::uint32_t>(value.size()))
        .bytes(key)
        .bytes(value);
    ++entries_;
    return part_.size() < part_bytes_wanted ? Result() : write_part();
}

std::expected<ExportEnd, base::Error> StoreExportWriter::finish() {
    if (!part_.empty()) MESH_CHECK(write_part());
    base::Writer(part_).u8(static_cast<std::uint8_t>(Kind::end)).u64(entries_);
    MESH_CHECK(write_part());
    return ExportEnd{entries_, chained_};
}

Result StoreExportWriter::write_part() {
    MESH_ASSERT(part_.size() <= StoreExportReader::part_bytes_max);
    chained_ = crypto::hash(chained_.span(), part_);
    base::Buffer length;
    base::Writer(length).u32(static_cast<std::uint32_t>(part_.size()));
    MESH_CHECK(sink_(length));
    MESH_CHECK(sink_(part_));
    part_.clear();
    return sink_(chained_.span());
}

std::expected<ExportEnd, base::Error> StoreExportReader::run() {
    PartReader parts(source);
    std::array<std::byte, magic.size() + 2> preamble{};
    MESH_CHECK(parts.fill(preamble));
    base::Reader in(preamble);
    if (base::as_text(in.take(magic.size())) != magic) {
        return refused(base::Errc::malformed, "this is no store export");
    }
    if (const std::uint16_t found = in.u16(); found != version) {
        return base::failure(
            base::Errc::wrong_version,
            "version " + std::to_string(found) + ", this program reads " + std::to_string(version),
            "store export", "use the program that wrote it, or a later one");
    }
    std::optional<ExportHead> head;
    EntryReader entries;
    for (;;) {
        MESH_TRY(const base::Bytes bytes, parts.next());
        base::Reader part(bytes);
        const Kind kind{part.u8()};
        if (head.has_value() == (kind == Kind::head)) break;
        if (kind == Kind::head) {
            MESH_TRY(head, parse_head(part));
            MESH_CHECK(on_head(*head));
        } else if (kind == Kind::entries) {
            MESH_CHECK(entries.read(part, *head, *this));
        } else if (kind == Kind::end) {
            const std::uint64_t count = part.u64();
            MESH_CHECK(part.finish("store export"));
            if (count != entries.count()) break;
            MESH_CHECK(parts.finish());
            return ExportEnd{count, parts.chained()};
        } else {
            break;
        }
    }
    return refused(base::Errc::malformed, "its parts do not belong together");
}

}  // namespace meshchain::host
