#include "host/wallet_unlocker.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <optional>

#include "host/try_counter.h"

namespace meshchain::host {
namespace {

/// What a worker brings back.
struct Opened {
    wallet::SecretKeys keys;
    wallet::KeyFile file;  ///< that of the disk, or with more keys where that was due
    bool is_extended = false;
};

std::expected<Opened, base::Error> open_with_keys(wallet::KeyFileDoors doors,
                                                  const WalletFiles& files,
                                                  const wallet::KeyFile& file,
                                                  const WalletSecret& secret,
                                                  std::size_t keys_wanted) {
    MESH_TRY(const wallet::OpenedKeyFile opened, open_key_file(doors, files, file, secret));
    if (keys_wanted <= file.keys.size()) {
        return Opened{opened.keys(doors.memory, file.keys.size()), file};
    }
    MESH_TRY(wallet::KeyFile extended, opened.with_keys(doors, file, keys_wanted));
    return Opened{opened.keys(doors.memory, keys_wanted), std::move(extended), true};
}

}  // namespace

struct WalletUnlocker::Core {
    Core(Doors doors_in, WalletFiles files_in)
        : doors(std::move(doors_in)), files(std::move(files_in)), last_try(doors.now().instant) {}

    std::expected<wallet::KeyFile, base::Error> begin(wallet::TryKind kind);
    Result finish(std::expected<Opened, base::Error> opened, wallet::TryKind kind);
    Result take_over(Opened opened);

    Doors doors;
    WalletFiles files;
    base::Instant last_try;
    std::optional<TryCounter> counter;  ///< while a try is under way
    boost::asio::thread_pool worker{1};
};

WalletUnlocker::WalletUnlocker(Doors doors, WalletFiles files)
    : core_(std::make_shared<Core>(std::move(doors), std::move(files))) {}

WalletUnlocker::~WalletUnlocker() { core_->worker.join(); }

std::expected<wallet::KeyFile, base::Error> WalletUnlocker::Core::begin(wallet::TryKind kind) {
    if (doors.node.wallet() == nullptr) {
        return base::failure(base::Errc::unavailable, "this node has no wallet", "wallet",
                             "stop the node, `meshchain wallet create`, start it again");
    }
    if (!doors.node.wallet()->can_sign()) {
        return base::failure(base::Errc::unsupported, "this wallet only watches", "wallet",
                             "pay from the wallet that has the keys");
    }
    if (counter) {
        return base::failure(base::Errc::unavailable, "another try is under way", "wallet",
                             "wait for its end");
    }
    // As it lies on the disk: its PIN or passphrase may have changed since the node started.
    MESH_TRY(wallet::KeyFile file, files.load());
    MESH_CHECK(check_openable(file, kind));
    MESH_TRY(TryCounter opened, TryCounter::open(files.tries, last_try));
    MESH_CHECK(opened.begin(kind, doors.now().instant));
    counter.emplace(std::move(opened));
    return file;
}

WalletUnlocker::Result WalletUnlocker::Core::take_over(Opened opened) {
    if (opened.is_extended) MESH_CHECK(files.save(opened.file));
    if (opened.file != doors.node.wallet()->key_file()) {
        MESH_CHECK(doors.node.handle_key_file(std::move(opened.file)));
    }
    return doors.node.unlock_wallet(doors.now(), std::move(opened.keys));
}

WalletUnlocker::Result WalletUnlocker::Core::finish(std::expected<Opened, base::Error> opened,
                                                    wallet::TryKind kind) {
    last_try = doors.now().instant;
    TryCounter counted = *std::exchange(counter, std::nullopt);
    if (!opened) {
        doors.log.warning("the wallet was not unlocked: " + base::sentence(opened.error()));
        return std::unexpected(std::move(opened).error());
    }
    MESH_CHECK(counted.succeed(kind));
    return take_over(*std::move(opened));
}

void WalletUnlocker::unlock(WalletSecret secret, Done done) {
    const auto file = core_->begin(secret.kind);
    if (!file) return done(std::unexpected(file.error()));
    // Held by the tasks alone, so that nothing is left to them when this has gone.
    struct Task {
        std::shared_ptr<Core> core;
        wallet::KeyFile file;
        WalletSecret secret;
        std::size_t keys_wanted;
        Done done;
    };
    auto task =
        std::make_shared<Task>(Task{core_, *file, std::move(secret),
                                    core_->doors.node.wallet()->keys_wanted(), std::move(done)});
    boost::asio::post(core_->worker, [task = std::move(task)]() mutable {
        const wallet::KeyFileDoors doors{task->core->doors.kdf, task->core->doors.entropy,
                                         secret_memory()};
        auto opened =
            open_with_keys(doors, task->core->files, task->file, task->secret, task->keys_wanted);
        auto result = std::make_shared<std::expected<Opened, base::Error>>(std::move(opened));
        boost::asio::io_context& io = task->core->doors.io;
        boost::asio::post(io, [task, result] {
            task->done(task->core->finish(std::move(*result), task->secret.kind));
        });
        task.reset();
    });
}

std::expected<wallet::TryRecord, base::Error> WalletUnlocker::tries() const {
    MESH_TRY(const TryCounter counter, TryCounter::open(core_->files.tries, core_->last_try));
    return counter.record();
}

}  // namespace meshchain::host
