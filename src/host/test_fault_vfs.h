#pragma once
// A disk under SQLite that loses power and fails when told to: a wrapper around SQLite's own layer
// for files, which becomes the one that every new connection uses. Only test files include it.
//
// What a process sees lies in real files, with real locks. Beside them it keeps what a medium would
// have after a power cut: of all that was not synced, anything: the whole, nothing, a torn part,
// single sectors, in any order; a file made or removed may still be missing or there.
//
// Limits:  one at a time in a process.
// Threads: one.

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"

namespace meshchain::host {

class FaultVfs {
public:
    enum class Call : std::uint8_t { open, read, write, truncate, sync, remove };
    static constexpr std::size_t call_kinds = 6;

    FaultVfs();
    /// Asserts that no file is open.
    ~FaultVfs();
    FaultVfs(const FaultVfs&) = delete;
    FaultVfs& operator=(const FaultVfs&) = delete;

    /// Power goes at the write, truncation, sync, removal or making of a file after `steps` more:
    /// that one may be half done, and nothing works any more until power_on().
    void cut_power_after(std::uint64_t steps) { steps_left_ = steps; }
    /// Power returns; asserts that no file is open. The files are what `random` leaves of them.
    void power_on(base::Random& random);
    /// The process is killed: whatever it still asks for fails, until restart_process(); the files
    /// stay as they are.
    void kill_process() { has_power_ = false; }
    void restart_process();
    bool has_power() const { return has_power_; }

    enum class Lasts : std::uint8_t { once, for_good };
    /// The call of this kind after `sound` more fails with an SQLITE_ code. A write that finds no
    /// room (SQLITE_FULL) changes nothing, any other a part. A sync that fails has forgotten what
    /// it should have written, as Linux does: later ones succeed without it.
    void fail(Call call, std::uint64_t sound, int code, Lasts lasts = Lasts::once);
    void mend() { faults_ = {}; }
    /// Files open for reading only, and none can be made, written or removed.
    void set_read_only(bool is_read_only) { is_read_only_ = is_read_only; }

    std::uint64_t steps() const { return steps_; }
    std::uint64_t calls(Call call) const { return calls_[static_cast<std::size_t>(call)]; }
    int open_files() const { return open_files_; }

private:
    struct Change {
        bool is_truncation;
        std::uint64_t offset;
        base::Buffer bytes;
    };
    struct Content {
        base::Buffer durable;
        std::vector<Change> pending;    ///< since the last sync
        std::vector<Change> forgotten;  ///< by a sync that failed: no later one writes it
    };
    struct Fault {
        std::uint64_t sound;
        int code;
        Lasts lasts;
    };
    struct File;  // the sqlite3_file that SQLite holds
    struct Methods;
    friend struct Methods;
    using Names = std::map<std::string, Content*>;

    /// SQLITE_OK, or what the call fails with. `is_step`: it changes the medium.
    int begin(Call call, bool is_step);
    /// None of a file that is not there and not made.
    Content* content_of(const std::string& path, bool may_make);
    static void settle(Content& content, base::Random& random);

    sqlite3_vfs vfs_{};
    sqlite3_vfs* real_;
    base::Random random_{1};  ///< SQLite's: the same salts in every run, so that a cut repeats
    std::vector<std::unique_ptr<Content>> contents_;
    Names names_;          ///< as the process sees the folder
    Names durable_names_;  ///< as it is on the medium
    std::optional<std::uint64_t> steps_left_;
    std::array<std::optional<Fault>, call_kinds> faults_;
    std::array<std::uint64_t, call_kinds> calls_{};
    bool has_power_ = true;
    bool is_read_only_ = false;
    int open_files_ = 0;
    int last_errno_ = 0;  ///< of the last failure
    std::uint64_t steps_ = 0;
};

}  // namespace meshchain::host
