#pragma once
// A file descriptor that is closed when its owner goes.

#include <unistd.h>

#include <utility>

namespace meshchain::host {

class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int number) : number_(number) {}
    FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        FileDescriptor released(std::move(other));
        std::swap(number_, released.number_);
        return *this;
    }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() {
        if (valid()) ::close(number_);
    }

    bool valid() const { return number_ >= 0; }
    int number() const { return number_; }
    /// The caller closes it from now on.
    int release() { return std::exchange(number_, -1); }

private:
    int number_ = -1;
};

}  // namespace meshchain::host
