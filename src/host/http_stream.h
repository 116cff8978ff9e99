#pragma once
// The bytes of one connection, plain or within TLS: what a session reads from and writes to.
//
// Ownership: each operation keeps `user` alive until it is reported; buffers live as long.
//            At most one read and one write are under way.
// Threads:   that of the io_context. Nothing is reported within the call that asks for it.

#include <array>
#include <memory>
#include <span>
#include <string_view>

namespace meshchain::host {

class HttpStream {
public:
    class User {
    public:
        virtual ~User() = default;
        virtual void handle_open(bool well) = 0;
        /// 0: the other side has closed, or the connection failed.
        virtual void handle_read(std::size_t bytes) = 0;
        virtual void handle_written(bool well) = 0;
        virtual void handle_finished() = 0;
    };

    virtual ~HttpStream() = default;
    /// The TLS handshake, where there is one.
    virtual void open(std::shared_ptr<User> user) = 0;
    virtual void read(std::span<char> into, std::shared_ptr<User> user) = 0;
    virtual void write(std::array<std::string_view, 2> bytes, std::shared_ptr<User> user) = 0;
    /// Says that nothing more comes, and reads what still does until the other side closes: closing
    /// over unread input resets the connection, and the last answer may be lost with it.
    virtual void finish(std::shared_ptr<User> user) = 0;
    virtual void close() = 0;
};

}  // namespace meshchain::host
