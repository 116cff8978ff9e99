#pragma once
// A disk so small that a test can fill it. Only test files include it.

#include <sys/mount.h>

#include <fstream>

#include "host/temporary_folder.h"

namespace meshchain::host {

/// A file system of its own, of so many kilobytes.
class SmallDisk {
public:
    explicit SmallDisk(unsigned kilobytes) {
        const std::string size = "size=" + std::to_string(kilobytes) + "k,mode=700";
        is_mounted_ = ::mount("tmpfs", path().c_str(), "tmpfs", 0, size.c_str()) == 0;
    }
    ~SmallDisk() {
        if (is_mounted_) ::umount2(path().c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    bool is_mounted() const { return is_mounted_; }
    const std::filesystem::path& path() const { return folder_.path(); }
    void fill_up() const {
        const std::string page(4096, 'x');
        std::ofstream file(path() / "full", std::ios::binary);
        while (file.write(page.data(), static_cast<long>(page.size())).flush()) continue;
    }

private:
    TemporaryFolder folder_;
    bool is_mounted_ = false;
};

}  // namespace meshchain::host
