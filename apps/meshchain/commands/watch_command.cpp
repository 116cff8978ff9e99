// status --watch: the running node as a page that is redrawn, or a line a step in a pipe.

#include <chrono>
#include <cstdio>

#include "host/api_client.h"
#include "host/json_document.h"
#include "meshchain/commands/commands.h"
#include "meshchain/screen/status_page.h"
#include "meshchain/screen/terminal.h"

namespace meshchain::app {
namespace {

using host::Json;

constexpr auto answer_timeout = std::chrono::seconds(3);

struct Seen {
    Json status;
    Json peers;
};

std::expected<Seen, base::Error> look(const Context& context) {
    MESH_TRY(const host::ApiClient client,
             host::ApiClient::of_folder(context.data, answer_timeout));
    MESH_TRY(Json status, client.get("/v1/status"));
    MESH_TRY(const Json peers, client.get("/v1/peers"));
    return Seen{std::move(status), peers.at("peers")};
}

base::Instant steady_now() {
    return base::Instant(std::chrono::steady_clock::now().time_since_epoch());
}

class Watch {
public:
    Watch(const Context& context, const WatchOptions& options)
        : context_(context), options_(options) {}

    std::expected<Output, base::Error> run() {
        // A node that is not there at first is a mistake; one that goes away is something to see.
        MESH_TRY(Seen first, look(context_));
        if (is_terminal() && !context_.json) screen_.emplace();
        show(std::move(first));
        for (std::uint64_t shown = 1; options_.count == 0 || shown < options_.count; ++shown) {
            interrupts_.sleep_for(static_cast<unsigned>(options_.interval_s * 1000));
            if (interrupts_.is_interrupted()) break;
            auto seen = look(context_);
            if (seen) {
                show(*std::move(seen));
            } else {
                show(seen.error());
            }
        }
        screen_.reset();
        return Output{};
    }

private:
    void show(Seen seen) {
        const bool syncing = seen.status.at("sync").at("state") == "SYNCING";
        speed_.note(steady_now(), seen.status.at("height"), syncing);
        const StatusPage page{
            .status = seen.status,
            .peers = seen.peers,
            .remaining =
                syncing ? speed_.remaining(seen.status.at("sync").at("target")) : std::nullopt,
            .columns = terminal_size().columns};
        if (screen_) {
            screen_->show(page.lines());
        } else {
            print(context_.json ? host::to_line(seen.status) : page.line());
        }
    }

    void show(const base::Error& error) {
        if (screen_) {
            screen_->show({"No answer: " + sentence(error), "", "Still trying; Ctrl-C ends this."});
        } else {
            print_error(context_, error);
        }
    }

    static void print(const std::string& line) {
        std::printf("%s\n", line.c_str());
        std::fflush(stdout);
    }

    const Context& context_;
    const WatchOptions& options_;
    InterruptNotice interrupts_;
    std::optional<FullScreen> screen_;
    SyncSpeed speed_;
};

}  // namespace

std::expected<Output, base::Error> watch_status(const Context& context,
                                                const WatchOptions& options) {
    if (options.interval_s == 0 || options.interval_s > 3600) {
        return base::failure(base::Errc::invalid_argument,
                             std::to_string(options.interval_s) + " seconds", "--interval",
                             "allowed: 1 to 3600");
    }
    return Watch(context, options).run();
}

}  // namespace meshchain::app
