#pragma once
// A file as a base::Region: written by pwrite, synced by fdatasync, of fixed size and allocated
// when it is made or grown, so that a commit never has to wait for the file system to find room.
//
// Erasing changes nothing: the old bytes stay until they are written over. Units of 16 bytes rest
// on what SQLite rests on too: a write that is cut short does not harm the bytes around it.
//
// Errors: beside those of os_error, naming path, cause and remedy: locked (in use in another
// process
//         or place), corrupt (shorter than it was made).

#include <filesystem>
#include <memory>

#include "base/region.h"
#include "host/file_descriptor.h"

namespace meshchain::host {

class FileRegion final : public base::Region {
public:
    enum class Mode : std::uint8_t {
        create_if_absent,
        must_exist,  ///< a missing or empty file is an Error
        read_only,   ///< the same; several may read, while nobody writes
    };
    struct Options {
        Mode mode = Mode::create_if_absent;
        std::uint64_t size_bytes = 256 << 20;  ///< of a new file
        bool grows = false;                    ///< an old one that is smaller, too
    };

    static std::expected<std::unique_ptr<FileRegion>, base::Error> open(
        const std::filesystem::path& path, const Options& options);
    FileRegion(const FileRegion&) = delete;
    FileRegion& operator=(const FileRegion&) = delete;

    /// Nothing was ever written: made just now, or the making was interrupted.
    bool is_blank() const { return is_blank_; }

    std::uint64_t size_bytes() const override { return size_bytes_; }
    std::uint32_t sector_bytes() const override { return 4096; }
    std::uint32_t program_bytes() const override { return 16; }
    std::expected<void, base::Error> read(std::uint64_t offset, base::MutableBytes out) override;
    std::expected<void, base::Error> program(std::uint64_t offset, base::Bytes bytes) override;
    std::expected<void, base::Error> erase(std::uint64_t) override { return {}; }
    std::expected<void, base::Error> sync() override;

private:
    FileRegion(std::filesystem::path path, FileDescriptor file)
        : path_(std::move(path)), file_(std::move(file)) {}

    std::expected<void, base::Error> lock(Mode mode);
    std::expected<void, base::Error> forget_what_is_in_memory();
    std::expected<void, base::Error> measure(const Options& options);
    std::expected<bool, base::Error> is_all_zeros();
    std::expected<void, base::Error> allocate(std::uint64_t size_bytes);
    std::expected<void, base::Error> grow(std::uint64_t size_bytes);
    std::expected<void, base::Error> write_zeros(std::uint64_t from, std::uint64_t to);

    std::filesystem::path path_;
    FileDescriptor file_;
    std::uint64_t size_bytes_ = 0;
    bool is_blank_ = false;
};

}  // namespace meshchain::host
