// export: blocks, transactions or the wallet's history as JSON lines or CSV.

#include <cstdio>
#include <fstream>

#include "host/api_client.h"
#include "host/chain_export.h"
#include "host/file.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {
namespace {

using host::Json;
namespace fs = std::filesystem;

constexpr std::uint64_t history_page = 200;

struct ExportCommandOptions {
    std::string what = "blocks";
    std::string format = "jsonl";
    std::string out;
    std::optional<std::uint64_t> from;
    std::optional<std::uint64_t> to;
    bool all = false;
    bool resume = false;
};

base::Error cannot_write(const std::string& path) {
    return {base::Errc::io, "cannot be written", path, "check the folder, its rights and the disk"};
}

/// Lines to a file or to stdout.
class Lines {
public:
    static std::expected<Lines, base::Error> open(const std::string& path, bool append) {
        Lines lines(path);
        if (path.empty()) return lines;
        lines.file_.open(path, append ? std::ios::app : std::ios::trunc);
        if (!lines.file_) return std::unexpected(cannot_write(path));
        return lines;
    }
    std::expected<void, base::Error> put(std::string_view line) {
        if (path_.empty()) {
            const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size() &&
                                 std::fputc('\n', stdout) != EOF;
            if (written) return {};
            return std::unexpected(cannot_write("stdout"));
        }
        file_ << line << '\n';
        if (file_) return {};
        return std::unexpected(cannot_write(path_));
    }
    std::expected<void, base::Error> finish() {
        if (path_.empty() ? std::fflush(stdout) == 0 : bool(file_.flush())) return {};
        return std::unexpected(cannot_write(path_.empty() ? "stdout" : path_));
    }

private:
    explicit Lines(std::string path) : path_(std::move(path)) {}

    std::string path_;
    std::ofstream file_;
};

/// The height of the last whole line of an export, whose unfinished last line is cut off.
std::expected<std::optional<std::uint32_t>, base::Error> last_height(const std::string& path,
                                                                     bool csv) {
    std::error_code error;
    if (!fs::exists(path, error)) return std::nullopt;
    std::ifstream in(path, std::ios::binary);
    std::string last;
    std::uintmax_t whole = 0;
    for (std::string line; std::getline(in, line) && !in.eof();) {
        whole += line.size() + 1;
        last = std::move(line);
    }
    in.close();
    fs::resize_file(path, whole, error);
    if (error) return std::unexpected(cannot_write(path));
    if (last.empty() || (csv && last.starts_with("height,"))) return std::nullopt;
    if (csv) return static_cast<std::uint32_t>(std::strtoul(last.c_str(), nullptr, 10));
    MESH_TRY(const Json line, host::parse_json(last, path));
    return line.at("height").get<std::uint32_t>();
}

std::expected<host::ExportOptions, base::Error> chain_options(const ExportCommandOptions& given) {
    host::ExportOptions options;
    if (given.what == "transactions") options.what = host::ExportOptions::What::transactions;
    if (given.format == "csv") options.format = host::ExportOptions::Format::csv;
    options.only_final = !given.all;
    for (const auto* height : {&given.from, &given.to}) {
        if (*height && **height > UINT32_MAX) {
            return base::failure(base::Errc::invalid_argument, std::to_string(**height),
                                 height == &given.from ? "--from" : "--to",
                                 "allowed: 1 to 4294967295");
        }
    }
    if (given.from) options.from = static_cast<std::uint32_t>(*given.from);
    if (given.to) options.to = static_cast<std::uint32_t>(*given.to);
    return options;
}

std::expected<Output, base::Error> export_blocks(const Context& context,
                                                 const ExportCommandOptions& given) {
    MESH_TRY(host::ExportOptions options, chain_options(given));
    const bool csv = given.format == "csv";
    if (given.resume) {
        if (given.out.empty()) {
            return base::failure(base::Errc::invalid_argument, "there is no file to go on with",
                                 "--resume", "name it by --out");
        }
        MESH_TRY(const auto height, last_height(given.out, csv));
        if (height) options.from = *height + 1;
        options.heading = !height;
    }
    MESH_TRY(Lines lines, Lines::open(given.out, given.resume));
    Progress progress(context.json);
    const auto sink = [&](std::string_view line, std::uint32_t height) {
        if (height % 1000 == 0) progress.show("Block " + std::to_string(height));
        return lines.put(line);
    };
    MESH_TRY(const host::ExportResult result, host::export_chain(context.data, options, sink));
    MESH_CHECK(lines.finish());
    if (given.out.empty()) return Output{};
    return output({{"file", given.out},
                   {"from", result.from},
                   {"to", result.to},
                   {"records", result.records}},
                  std::to_string(result.records) + " " + given.what + " written to " + given.out +
                      ", up to block " + std::to_string(result.to));
}

std::string csv_of(const Json& entry) {
    return host::to_line(entry.at("sequence")) + "," + entry.at("txid").get<std::string>() + "," +
           entry.at("direction").get<std::string>() + "," + entry.at("state").get<std::string>() +
           "," + host::to_line(entry.at("amount")) + "," + host::to_line(entry.at("fee")) + "," +
           (entry.contains("height") ? host::to_line(entry.at("height")) : "");
}

/// The newest first, page by page.
std::expected<Output, base::Error> export_history(const Context& context,
                                                  const ExportCommandOptions& given) {
    if (given.resume) {
        return base::failure(base::Errc::invalid_argument, "a history begins with the newest entry",
                             "--resume", "write it anew");
    }
    MESH_TRY(const host::ApiClient client, host::ApiClient::of_folder(context.data));
    MESH_TRY(Lines lines, Lines::open(given.out, false));
    const bool csv = given.format == "csv";
    if (csv) MESH_CHECK(lines.put("sequence,txid,direction,state,amount,fee,height"));
    std::uint64_t count = 0;
    for (std::string before;;) {
        MESH_TRY(const Json page,
                 client.get("/v1/wallet/history?count=" + std::to_string(history_page) + before));
        for (const Json& entry : page.at("history")) {
            const std::uint64_t height =
                entry.contains("height") ? entry.at("height").get<std::uint64_t>() : UINT64_MAX;
            if ((given.from && height < *given.from) || (given.to && height > *given.to)) continue;
            MESH_CHECK(lines.put(csv ? csv_of(entry) : host::to_line(entry)));
            ++count;
        }
        if (page.at("history").size() < history_page) break;
        before = "&before=" + host::to_line(page.at("history").back().at("sequence"));
    }
    MESH_CHECK(lines.finish());
    if (given.out.empty()) return Output{};
    return output({{"file", given.out}, {"records", count}},
                  std::to_string(count) + " payments written to " + given.out);
}

std::expected<Output, base::Error> run_export(const Context& context,
                                              const ExportCommandOptions& options) {
    if (options.format != "jsonl" && options.format != "csv") {
        return base::failure(base::Errc::invalid_argument, "'" + options.format + "' is no format",
                             "--format", "allowed: jsonl, csv");
    }
    if (options.what == "history") return export_history(context, options);
    if (options.what == "blocks" || options.what == "transactions") {
        return export_blocks(context, options);
    }
    return base::failure(base::Errc::invalid_argument, "'" + options.what + "' cannot be exported",
                         "--what", "allowed: blocks, transactions, history");
}

}  // namespace

Command export_command(const Context& context) {
    const auto o = std::make_shared<ExportCommandOptions>();
    return {.name = "export",
            .summary = "Write blocks, transactions or the wallet's history for other programs",
            .examples =
                "Examples:\n  meshchain export --data alice > blocks.jsonl\n"
                "  meshchain export --what transactions --format csv \\\n"
                "      --out payments.csv --resume --data alice\n"
                "Blocks and transactions are read from the store, whether the node runs or "
                "not;\nthe history comes from the running node.",
            .options = {{"--what", "WHAT", "blocks, transactions or history (blocks)", &o->what},
                        {"--format", "FORMAT", "jsonl or csv (jsonl)", &o->format},
                        {"--from", "HEIGHT", "the first block (1)", &o->from},
                        {"--to", "HEIGHT", "the last block (the newest)", &o->to},
                        {"--all", "", "also what is not FINAL yet", &o->all},
                        {"--out", "FILE", "where to write it (stdout)", &o->out},
                        {"--resume", "", "go on where FILE ends", &o->resume}},
            .run = [&context, o] { return run_export(context, *o); }};
}

}  // namespace meshchain::app
