#include "host/data_folder.h"

#include <sys/stat.h>

#include <cerrno>

#include "host/os_error.h"

namespace meshchain::host {

std::expected<void, base::Error> make_folder(const std::filesystem::path& path) {
    std::error_code error;
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
    if (!error && ::mkdir(path.c_str(), 0700) == 0) return {};
    const int number = error ? error.value() : errno;
    if (number == EEXIST && std::filesystem::is_directory(path, error)) return {};
    return std::unexpected(os_error(number == EEXIST ? ENOTDIR : number, "make the folder", path));
}

}  // namespace meshchain::host
