#include "host/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/resource_guard.h"
#include "host/file_descriptor.h"
#include "host/os_error.h"

namespace meshchain::host {
namespace {

using std::filesystem::path;
using Result = std::expected<void, base::Error>;

std::unexpected<base::Error> os_failure(int number, std::string_view action, const path& where) {
    return std::unexpected(os_error(number, action, where));
}

path folder_of(const path& file) { return file.has_parent_path() ? file.parent_path() : path("."); }

Result write_all(const FileDescriptor& file, base::Bytes content, const path& target) {
    while (!content.empty()) {
        const ssize_t count = ::write(file.number(), content.data(), content.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return os_failure(errno, "write", target);
        content = content.subspan(static_cast<std::size_t>(count));
    }
    if (::fsync(file.number()) != 0) return os_failure(errno, "write", target);
    return {};
}

constexpr std::string_view temporary_front = ".meshchain-";  // that nobody else's files have
constexpr std::string_view temporary_mark = ".part-";
constexpr std::size_t temporary_letters = 6;

path spare_of(const path& target) {
    return target.parent_path() /
           (std::string(temporary_front) + target.filename().string() + ".spare");
}

/// Locked, so that remove_leftovers() knows that it is none: and tried again in case that had it
/// before we did.
std::expected<FileDescriptor, base::Error> make_temporary(const path& target, std::string& name) {
    for (;;) {
        name = (target.parent_path() / temporary_front).string() + target.filename().string() +
               std::string(temporary_mark) + std::string(temporary_letters, 'X');
        FileDescriptor file(::mkostemp(name.data(), O_CLOEXEC));
        if (!file.valid()) return os_failure(errno, "write", target);
        struct stat found{};
        while (::flock(file.number(), LOCK_EX) != 0 && errno == EINTR) continue;
        if (::fstat(file.number(), &found) == 0 && found.st_nlink > 0) return file;
    }
}

bool is_temporary(const std::string& name) {
    const std::size_t tail = temporary_mark.size() + temporary_letters;
    return name.starts_with(temporary_front) && name.size() > temporary_front.size() + tail &&
           name.compare(name.size() - tail, temporary_mark.size(), temporary_mark) == 0;
}

/// link(2) refuses an existing target as well, where the file system has no RENAME_NOREPLACE.
int rename_without_replacing(const char* from, const char* to) {
    if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    if (::link(from, to) != 0) return errno;
    ::unlink(from);
    return 0;
}

Result move_into_place(const std::string& temporary, const path& target, IfExists if_exists) {
    const int number = if_exists == IfExists::refuse
                           ? rename_without_replacing(temporary.c_str(), target.c_str())
                       : ::rename(temporary.c_str(), target.c_str()) == 0 ? 0
                                                                          : errno;
    if (number != 0) return os_failure(number, "write", target);
    return {};
}

}  // namespace

std::expected<base::Buffer, base::Error> read_file(const path& source, std::size_t bytes_max) {
    const FileDescriptor file(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return os_failure(errno, "read", source);
    constexpr std::size_t step_bytes = 16 * 1024;
    base::Buffer content;
    std::size_t size = 0;
    while (size <= bytes_max) {
        content.resize(size + std::min(step_bytes, bytes_max - size + 1));
        const ssize_t count = ::read(file.number(), content.data() + size, content.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return os_failure(errno, "read", source);
        size += static_cast<std::size_t>(count);
        if (count == 0) {
            content.resize(size);
            return content;
        }
    }
    return base::failure(base::Errc::too_large,
                         "more than the " + std::to_string(bytes_max) + " bytes allowed",
                         source.string(), "check that this is the right file");
}

Result write_file(const path& target, base::Bytes content, IfExists if_exists) {
    std::string temporary;
    MESH_TRY(const FileDescriptor file, make_temporary(target, temporary));
    base::ResourceGuard remove_temporary([&] { ::unlink(temporary.c_str()); });
    MESH_CHECK(write_all(file, content, target));
    MESH_CHECK(move_into_place(temporary, target, if_exists));
    remove_temporary.dismiss();
    return sync_folder_of(target);
}

Result write_transient_file(const path& target, base::Bytes content) {
    const path spare = spare_of(target);
    auto written = write_file(target, content);
    if (written) ::unlink(spare.c_str());
    if (written || written.error().code != base::Errc::full) return written;
    const FileDescriptor file(::open(spare.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.valid()) return written;
    MESH_CHECK(write_all(file, content, target));
    if (::ftruncate(file.number(), static_cast<off_t>(content.size())) != 0) {
        return os_failure(errno, "write", target);
    }
    return move_file(spare, target, IfExists::replace);
}

void set_aside(const path& target) {
    std::error_code ignored;
    std::filesystem::rename(target, spare_of(target), ignored);
}

void remove_leftovers(const path& folder) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        if (!entry.is_regular_file(ignored) || !is_temporary(entry.path().filename())) continue;
        const FileDescriptor file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (!file.valid() || ::flock(file.number(), LOCK_EX | LOCK_NB) != 0) continue;
        ::unlink(entry.path().c_str());
    }
}

Result move_file(const path& from, const path& to, IfExists if_exists) {
    MESH_CHECK(move_into_place(from.string(), to, if_exists));
    return sync_folder_of(to);
}

Result sync_folder_of(const path& file) {
    const path folder = folder_of(file);
    const FileDescriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!handle.valid() || ::fsync(handle.number()) != 0) {
        return os_failure(errno, "make sure of the last write in", folder);
    }
    return {};
}

}  // namespace meshchain::host
