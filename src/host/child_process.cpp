#include "host/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "host/file_descriptor.h"
#include "host/os_error.h"

namespace meshchain::host {
namespace {

FileDescriptor open_output(const std::filesystem::path& path) {
    const char* name = path.empty() ? "/dev/null" : path.c_str();
    return FileDescriptor(::open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
}

/// Between fork and exec only async-signal-safe calls are allowed.
[[noreturn]] void run_program(char* const* words, int output, int errors, pid_t parent,
                              int failure_pipe) {
    ::setpgid(0, 0);  // Ctrl-C is for the parent, which ends its children in its own order
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // it died before prctl
    const int input = ::open("/dev/null", O_RDONLY);
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    ::execv(words[0], words);
    const int number = errno;
    [[maybe_unused]] const ssize_t ignored = ::write(failure_pipe, &number, sizeof number);
    ::_exit(127);
}

}  // namespace

std::expected<ChildProcess, base::Error> ChildProcess::start(const Options& options) {
    const FileDescriptor output = open_output(options.output);
    if (!output.valid()) return std::unexpected(os_error(errno, "write", options.output));
    const FileDescriptor errors = open_output(options.errors);
    if (!errors.valid()) return std::unexpected(os_error(errno, "write", options.errors));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return std::unexpected(os_error(errno, "start", options.program));
    }
    const FileDescriptor failure_reader(ends[0]);
    FileDescriptor failure_writer(ends[1]);

    std::string program = options.program.string();
    std::vector<std::string> arguments = options.arguments;
    std::vector<char*> words{program.data()};
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);

    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return std::unexpected(os_error(errno, "start", options.program));
    if (pid == 0) {
        run_program(words.data(), output.number(), errors.number(), parent,
                    failure_writer.number());
    }
    ChildProcess child(pid);
    failure_writer = FileDescriptor();
    int number = 0;  // exec closes the pipe; only its failure writes
    if (::read(failure_reader.number(), &number, sizeof number) == sizeof number) {
        return std::unexpected(os_error(number, "start", options.program));
    }
    return child;
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    ChildProcess released(std::move(other));
    std::swap(pid_, released.pid_);
    std::swap(exit_status_, released.exit_status_);
    return *this;
}

ChildProcess::~ChildProcess() {
    if (pid_ == 0) return;
    send_signal(SIGKILL);
    reap(true);
}

void ChildProcess::send_signal(int number) {
    if (running()) ::kill(pid_, number);
}

bool ChildProcess::running() {
    reap(false);
    return pid_ != 0 && !exit_status_;
}

void ChildProcess::reap(bool block) {
    if (pid_ == 0 || exit_status_) return;
    int status = 0;
    pid_t result = 0;
    do {
        result = ::waitpid(pid_, &status, block ? 0 : WNOHANG);
    } while (result < 0 && errno == EINTR);
    if (result == 0) return;
    if (result < 0) status = 0;  // somebody else waited for it
    exit_status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::optional<int> ChildProcess::wait(base::Duration timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (running() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return exit_status_;
}

std::filesystem::path own_program() { return std::filesystem::read_symlink("/proc/self/exe"); }

}  // namespace meshchain::host
