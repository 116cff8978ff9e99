#include "host/store_replacing.h"

#include <unistd.h>

#include "base/resource_guard.h"
#include "host/file.h"
#include "host/store_marker.h"

namespace meshchain::host {
namespace {

namespace fs = std::filesystem;
using Result = std::expected<void, base::Error>;

std::string note_of(const fs::path& root) { return (root / "store.import").string(); }

/// A store that an import left half made is removed; the configuration never named it.
Result clean_up(const NodeHome& home) {
    const auto note = read_file(note_of(home.folder.root()), 4096);
    if (!note) return {};
    const std::string name(base::as_text(*note));
    if (name.find('/') == std::string::npos && name != home.config.storage_path) {
        remove_store(home.folder.root() / name);
    }
    std::error_code ignored;
    fs::remove(note_of(home.folder.root()), ignored);
    return {};
}

/// Also not the name that the node is told to use: that store may be lost, and is not this one.
std::string free_name(const fs::path& root, const std::string& used) {
    for (int number = 2;; ++number) {
        std::string name = "store-" + std::to_string(number) + ".db";
        if (name == used) continue;
        if (!fs::exists(root / name) && !fs::exists(root / (name + ".key"))) return name;
    }
}

}  // namespace

std::expected<NodeHome, base::Error> read_home(const fs::path& root) {
    const DataFolder folder(root);
    MESH_TRY(node::NodeConfig config, load_config(folder.config()));
    MESH_TRY(ledger::Genesis genesis, load_genesis(folder.genesis()));
    return NodeHome{folder, std::move(config), std::move(genesis)};
}

void remove_store(const fs::path& path) {
    std::error_code ignored;
    for (const char* end : {"", "-wal", "-shm", ".lock", ".key", ".room"}) {
        fs::remove(path.string() + end, ignored);
    }
}

std::expected<ReplacedStore, base::Error> replace_store(const NodeHome& home,
                                                        node::NodeConfig config,
                                                        const FillStore& fill) {
    const fs::path& root = home.folder.root();
    remove_leftovers(root);
    MESH_CHECK(clean_up(home));
    config.storage_path = free_name(root, config.storage_path);
    MESH_CHECK(node::validate(config));
    MESH_CHECK(write_file(note_of(root), base::as_bytes(config.storage_path)));
    base::ResourceGuard undo([&] {
        remove_store(home.folder.store(config));
        ::unlink(note_of(root).c_str());
    });
    MESH_TRY(auto store, open_node_store(home.folder, config, StoreMode::create_if_absent));
    MESH_CHECK(fill(*store));
    MESH_TRY(const StoreMark mark, mark_of(home.folder, config, *store));
    MESH_CHECK(store->close());
    undo.dismiss();  // An error below may come after the configuration has changed.
    MESH_CHECK(save_config(config, home.folder.config()));
    MESH_CHECK(write_store_marker(home.folder, mark));
    ::unlink(note_of(root).c_str());
    ReplacedStore replaced{.path = home.folder.store(config), .old_path = {}};
    const fs::path old_path = home.folder.store(home.config);
    if (fs::exists(old_path)) replaced.old_path = old_path;
    return replaced;
}

}  // namespace meshchain::host
