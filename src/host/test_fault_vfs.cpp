#include "host/test_fault_vfs.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <set>

#include "base/assert.h"

namespace meshchain::host {
namespace {

constexpr std::size_t sector_bytes = 512;
constexpr int tracked = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;

base::Buffer read_whole(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return base::to_buffer(base::as_bytes(text));
}

void write_whole(const std::string& path, base::Bytes content) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(base::as_text(content).data(), static_cast<std::streamsize>(content.size()));
    MESH_ASSERT(file.good());
}

void put(base::Buffer& content, std::uint64_t offset, base::Bytes bytes) {
    if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
    std::ranges::copy(bytes, content.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

/// What SQLite holds; the file below it follows in the same memory.
struct FaultVfs::File {
    sqlite3_file base;
    FaultVfs* disk;
    Content* content;   ///< none of a file that is not followed
    bool syncs_folder;  ///< with its next sync, as a journal made just now does

    sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

/// The functions that SQLite calls.
struct FaultVfs::Methods {
    static File& at(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
    static sqlite3_file* below(sqlite3_file* file) { return at(file).below(); }
    static const sqlite3_io_methods& real(sqlite3_file* file) { return *below(file)->pMethods; }
    static FaultVfs& of(sqlite3_vfs* vfs) { return *static_cast<FaultVfs*>(vfs->pAppData); }

    static int close(sqlite3_file* file) {
        File& self = at(file);
        --self.disk->open_files_;
        return real(file).xClose(below(file));
    }

    static int read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
        const int code = at(file).disk->begin(Call::read, false);
        if (code != SQLITE_OK) return code;
        return real(file).xRead(below(file), out, size, offset);
    }

    static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
        File& self = at(file);
        FaultVfs& disk = *self.disk;
        if (!disk.has_power_) return SQLITE_IOERR;
        if (disk.is_read_only_) return SQLITE_READONLY;
        const int code = disk.begin(Call::write, true);
        if (code == SQLITE_FULL) return code;
        if (code != SQLITE_OK) size /= 2;
        const base::Bytes bytes(static_cast<const std::byte*>(data),
                                static_cast<std::size_t>(size));
        if (self.content != nullptr) {
            self.content->pending.push_back(
                {false, static_cast<std::uint64_t>(offset), base::to_buffer(bytes)});
        }
        const int done = real(file).xWrite(below(file), data, size, offset);
        return code != SQLITE_OK ? code : done;
    }

    static int truncate(sqlite3_file* file, sqlite3_int64 size) {
        File& self = at(file);
        if (!self.disk->has_power_) return SQLITE_IOERR;
        if (self.disk->is_read_only_) return SQLITE_READONLY;
        const int code = self.disk->begin(Call::truncate, true);
        if (self.content != nullptr) {
            self.content->pending.push_back({true, static_cast<std::uint64_t>(size), {}});
        }
        if (code != SQLITE_OK) return code;
        return real(file).xTruncate(below(file), size);
    }

    /// The real file is not synced: what is durable is ours to say, and tests need not wait.
    static int sync(sqlite3_file* file, int) {
        File& self = at(file);
        FaultVfs& disk = *self.disk;
        const int code = disk.begin(Call::sync, true);
        if (self.content == nullptr) return code;
        Content& content = *self.content;
        if (code != SQLITE_OK) {
            if (!disk.has_power_) return code;
            std::ranges::move(content.pending, std::back_inserter(content.forgotten));
            content.pending.clear();
            return code;
        }
        for (const Change& change : content.pending) {
            if (change.is_truncation) {
                content.durable.resize(change.offset);
            } else {
                put(content.durable, change.offset, change.bytes);
            }
            // What was written again since is no longer in doubt.
            std::erase_if(content.forgotten,
                          [&](const Change& old) { return overlap(old, change); });
        }
        content.pending.clear();
        if (std::exchange(self.syncs_folder, false)) disk.durable_names_ = disk.names_;
        return SQLITE_OK;
    }

    static bool overlap(const Change& a, const Change& b) {
        const auto end = [](const Change& change) {
            return change.is_truncation ? UINT64_MAX : change.offset + change.bytes.size();
        };
        return a.offset < end(b) && b.offset < end(a);
    }

    static int size_of(sqlite3_file* file, sqlite3_int64* size) {
        return real(file).xFileSize(below(file), size);
    }
    static int lock(sqlite3_file* file, int level) { return real(file).xLock(below(file), level); }
    static int unlock(sqlite3_file* file, int level) {
        return real(file).xUnlock(below(file), level);
    }
    static int check_reserved(sqlite3_file* file, int* result) {
        return real(file).xCheckReservedLock(below(file), result);
    }
    static int control(sqlite3_file* file, int operation, void* argument) {
        return real(file).xFileControl(below(file), operation, argument);
    }
    static int sector_size(sqlite3_file*) { return static_cast<int>(sector_bytes); }
    static int characteristics(sqlite3_file* file) {
        return real(file).xDeviceCharacteristics(below(file));
    }
    static int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
        return real(file).xShmMap(below(file), page, size, extend, out);
    }
    static int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
        return real(file).xShmLock(below(file), offset, count, flags);
    }
    static void shm_barrier(sqlite3_file* file) { real(file).xShmBarrier(below(file)); }
    static int shm_unmap(sqlite3_file* file, int remove) {
        return real(file).xShmUnmap(below(file), remove);
    }

    static const sqlite3_io_methods& table() {
        static const sqlite3_io_methods methods{.iVersion = 2,
                                                .xClose = close,
                                                .xRead = read,
                                                .xWrite = write,
                                                .xTruncate = truncate,
                                                .xSync = sync,
                                                .xFileSize = size_of,
                                                .xLock = lock,
                                                .xUnlock = unlock,
                                                .xCheckReservedLock = check_reserved,
                                                .xFileControl = control,
                                                .xSectorSize = sector_size,
                                                .xDeviceCharacteristics = characteristics,
                                                .xShmMap = shm_map,
                                                .xShmLock = shm_lock,
                                                .xShmBarrier = shm_barrier,
                                                .xShmUnmap = shm_unmap,
                                                .xFetch = nullptr,
                                                .xUnfetch = nullptr};
        return methods;
    }

    static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags,
                    int* out_flags) {
        FaultVfs& disk = of(vfs);
        File& self = at(file);
        self = {};
        Content* content = nullptr;
        if (disk.is_read_only_) {
            flags &= ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
            flags |= SQLITE_OPEN_READONLY;
        }
        const bool may_make = (flags & SQLITE_OPEN_CREATE) != 0;
        if (name != nullptr && (flags & tracked) != 0) {
            const bool makes = may_make && !std::filesystem::exists(name);
            const int code = disk.begin(Call::open, makes);
            if (code != SQLITE_OK) return code;
            content = disk.content_of(name, may_make);
        }
        const int code = disk.real_->xOpen(disk.real_, name, self.below(), flags, out_flags);
        if (code != SQLITE_OK) {
            disk.last_errno_ = disk.is_read_only_ ? EROFS : errno;
            return code;
        }
        self.base.pMethods = &table();
        self.disk = &disk;
        self.content = content;
        self.syncs_folder = may_make && (flags & SQLITE_OPEN_MAIN_DB) == 0;
        ++disk.open_files_;
        return SQLITE_OK;
    }

    static int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
        FaultVfs& disk = of(vfs);
        if (!disk.has_power_ || disk.is_read_only_) return SQLITE_IOERR_DELETE;
        const int code = disk.begin(Call::remove, true);
        // A power cut in its midst may find it done: then only the folder remembers the file.
        if (code == SQLITE_OK || !disk.has_power_) disk.names_.erase(name);
        if (code != SQLITE_OK) return code;
        if (sync_folder != 0) disk.durable_names_ = disk.names_;
        return disk.real_->xDelete(disk.real_, name, 0);
    }

    static int access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
        FaultVfs& disk = of(vfs);
        if (!disk.has_power_) return SQLITE_IOERR_ACCESS;
        const int code = disk.real_->xAccess(disk.real_, name, flags, result);
        if (disk.is_read_only_ && flags == SQLITE_ACCESS_READWRITE) *result = 0;
        return code;
    }
    static int full_path(sqlite3_vfs* vfs, const char* name, int size, char* out) {
        sqlite3_vfs* const real = of(vfs).real_;
        return real->xFullPathname(real, name, size, out);
    }
    static int randomness(sqlite3_vfs* vfs, int size, char* out) {
        base::Random& random = of(vfs).random_;
        std::generate_n(out, size, [&] { return static_cast<char>(random.below(256)); });
        return size;
    }
    static int pause(sqlite3_vfs* vfs, int microseconds) {
        return of(vfs).real_->xSleep(of(vfs).real_, microseconds);
    }
    static int current_time(sqlite3_vfs*, double* out) {
        *out = 2461366;
        return SQLITE_OK;
    }
    static int last_error(sqlite3_vfs* vfs, int, char*) { return of(vfs).last_errno_; }
};

FaultVfs::FaultVfs() : real_(sqlite3_vfs_find(nullptr)) {
    vfs_.iVersion = 1;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.mxPathname = real_->mxPathname;
    vfs_.zName = "meshchain-fault";
    vfs_.pAppData = this;
    vfs_.xOpen = Methods::open;
    vfs_.xDelete = Methods::remove;
    vfs_.xAccess = Methods::access;
    vfs_.xFullPathname = Methods::full_path;
    vfs_.xRandomness = Methods::randomness;
    vfs_.xSleep = Methods::pause;
    vfs_.xCurrentTime = Methods::current_time;
    vfs_.xGetLastError = Methods::last_error;
    MESH_ASSERT(sqlite3_vfs_register(&vfs_, 1) == SQLITE_OK);
    sqlite3_randomness(0, nullptr);  // seeds itself anew, from ours
}

FaultVfs::~FaultVfs() {
    MESH_ASSERT(open_files_ == 0);
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
}

void FaultVfs::fail(Call call, std::uint64_t sound, int code, Lasts lasts) {
    faults_[static_cast<std::size_t>(call)] = Fault{sound, code, lasts};
}

int FaultVfs::begin(Call call, bool is_step) {
    last_errno_ = EIO;
    if (!has_power_) return SQLITE_IOERR;
    ++calls_[static_cast<std::size_t>(call)];
    if (is_step) {
        ++steps_;
        if (steps_left_ && (*steps_left_)-- == 0) {
            has_power_ = false;
            return SQLITE_IOERR;
        }
    }
    std::optional<Fault>& fault = faults_[static_cast<std::size_t>(call)];
    if (!fault) return SQLITE_OK;
    if (fault->sound > 0) {
        --fault->sound;
        return SQLITE_OK;
    }
    const int code = fault->code;
    if (code == SQLITE_FULL) last_errno_ = ENOSPC;
    if (fault->lasts == Lasts::once) fault.reset();
    return code;
}

FaultVfs::Content* FaultVfs::content_of(const std::string& path, bool may_make) {
    if (const auto known = names_.find(path); known != names_.end()) return known->second;
    const bool is_there = std::filesystem::exists(path);
    if (!is_there && !may_make) return nullptr;
    Content* const content = contents_.emplace_back(std::make_unique<Content>()).get();
    names_[path] = content;
    if (is_there) {  // From before: then it is on the medium.
        content->durable = read_whole(path);
        durable_names_[path] = content;
    }
    return content;
}

/// Each change by itself: not there, whole, its beginning, or any of its sectors.
void FaultVfs::settle(Content& content, base::Random& random) {
    std::vector<Change> changes = std::move(content.forgotten);
    std::ranges::move(content.pending, std::back_inserter(changes));
    content.pending.clear();
    content.forgotten.clear();
    const std::uint64_t mood = random.below(4);  // all lost, all there, anything twice
    for (const Change& change : changes) {
        const std::uint64_t fate = mood >= 2 ? random.below(4) : mood;
        if (fate == 0) continue;
        if (change.is_truncation) {
            content.durable.resize(change.offset);
        } else if (fate == 1) {
            put(content.durable, change.offset, change.bytes);
        } else if (fate == 2) {
            const base::Bytes bytes(change.bytes);
            put(content.durable, change.offset, bytes.first(random.below(bytes.size() + 1)));
        } else {
            for (std::size_t at = 0; at < change.bytes.size(); at += sector_bytes) {
                if (random.chance(1, 2)) continue;
                const base::Bytes rest = base::Bytes(change.bytes).subspan(at);
                put(content.durable, change.offset + at,
                    rest.first(std::min(sector_bytes, rest.size())));
            }
        }
    }
}

void FaultVfs::restart_process() {
    MESH_ASSERT(open_files_ == 0);
    has_power_ = true;
    for (const auto& [path, content] : names_) std::filesystem::remove(path + "-shm");
}

void FaultVfs::power_on(base::Random& random) {
    MESH_ASSERT(open_files_ == 0);
    std::set<std::string> paths;
    for (const auto& [path, content] : names_) paths.insert(path);
    for (const auto& [path, content] : durable_names_) paths.insert(path);
    Names found;
    for (const std::string& path : paths) {
        const auto now = names_.find(path);
        const auto before = durable_names_.find(path);
        Content* const live = now == names_.end() ? nullptr : now->second;
        Content* const durable = before == durable_names_.end() ? nullptr : before->second;
        Content* const chosen = live == durable || random.chance(1, 2) ? live : durable;
        std::filesystem::remove(path);
        std::filesystem::remove(path + "-shm");
        if (chosen == nullptr) continue;
        settle(*chosen, random);
        write_whole(path, chosen->durable);
        found[path] = chosen;
    }
    names_ = found;
    durable_names_ = std::move(found);
    has_power_ = true;
    steps_left_.reset();
}

}  // namespace meshchain::host
