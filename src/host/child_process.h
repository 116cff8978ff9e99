#pragma once
// Another process that this one started and answers for: it dies with its parent, and with the
// object that stands for it, so that nothing is ever left running. It has a process group of its
// own: Ctrl-C in a terminal reaches the parent alone.
//
// Threads: start from the main thread; the kernel ties the child's life to the thread that forked.
// Errors:  those of os_error.

#include <sys/types.h>

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace meshchain::host {

class ChildProcess {
public:
    struct Options {
        std::filesystem::path program;
        std::vector<std::string> arguments;  ///< without the program's name
        std::filesystem::path output = {};   ///< stdout goes here; empty: nowhere
        std::filesystem::path errors = {};   ///< stderr goes here; empty: nowhere
    };

    /// Returns when the program runs. Errors: not_found, unauthorized, …
    static std::expected<ChildProcess, base::Error> start(const Options& options);

    ChildProcess(ChildProcess&& other) noexcept
        : pid_(std::exchange(other.pid_, 0)), exit_status_(other.exit_status_) {}
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    /// Kills it if it still runs.
    ~ChildProcess();

    pid_t pid() const { return pid_; }
    /// Nothing happens to a process that has ended.
    void send_signal(int number);
    bool running();
    /// Its exit code, or 128 + signal. Nothing while it still runs when `timeout` is over.
    std::optional<int> wait(base::Duration timeout);

private:
    explicit ChildProcess(pid_t pid) : pid_(pid) {}
    void reap(bool block);

    pid_t pid_ = 0;
    std::optional<int> exit_status_;
};

/// The file this process was started from, to start it again.
std::filesystem::path own_program();

}  // namespace meshchain::host
