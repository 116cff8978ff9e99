#pragma once
// A disk that fails when told to, with an SQLite store on it whose log is moved into the database
// every few commits. Only test files include it.

#include <gtest/gtest.h>

#include "host/sqlite_store.h"
#include "host/temporary_folder.h"
#include "host/test_fault_vfs.h"
#include "kv/test_history.h"

namespace meshchain::host {

class Machine {
public:
    std::expected<std::unique_ptr<SqliteStore>, base::Error> open(
        SqliteOptions::Mode mode = SqliteOptions::Mode::create_if_absent) const {
        return SqliteStore::open(path(), {.tables = kv::test_history::tables},
                                 {.mode = mode, .checkpoint_pages = 20});
    }
    std::filesystem::path path() const { return folder_.path() / "store.db"; }

    FaultVfs disk;

private:
    TemporaryFolder folder_;
};

}  // namespace meshchain::host
