#include "base/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/descriptor.h"

namespace attar::base {
namespace {

constexpr std::size_t most_at_once = 65536;

std::unexpected<Error> failed(std::string_view command, std::string_view what) {
  return fail(ErrorCode::io, fmt::format("the command '{}' {}", command, what));
}

class Running {
 public:
  explicit Running(const std::string& command) : command_(command) {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    own_.close();
    if (process_ > 0) static_cast<void>(wait());
  }

  // One socket is the command's input and output: a command that does not read is no broken pipe then.
  Status start() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
      return failed(command_, fmt::format("cannot be started: {}", std::strerror(errno)));
    own_ = Descriptor(ends[0]);
    const Descriptor other(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, other.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, other.get(), STDOUT_FILENO);
    std::string shell = "/bin/sh", flag = "-c", command = command_;
    const std::array<char*, 4> arguments = {shell.data(), flag.data(), command.data(), nullptr};
    const int error = ::posix_spawn(&process_, shell.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error == 0) return {};
    process_ = -1;
    return failed(command_, fmt::format("cannot be started: {}", std::strerror(error)));
  }

  // Writes and reads by turns, as the command lets it.
  Result<std::string> talk(std::string_view input, std::size_t most_output) {
    std::string out;
    std::array<char, most_at_once> buffer{};
    bool writing = true;
    while (true) {
      if (writing && input.empty()) {
        ::shutdown(own_.get(), SHUT_WR);
        writing = false;
      }
      pollfd wanted{.fd = own_.get(), .events = static_cast<short>(writing ? POLLIN | POLLOUT : POLLIN), .revents = 0};
      if (::poll(&wanted, 1, -1) < 0 && errno != EINTR) return failed(command_, "cannot be waited for");
      if ((wanted.revents & POLLOUT) != 0 && writing) {
        const ssize_t sent =
            ::send(own_.get(), input.data(), std::min(input.size(), most_at_once), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) input.remove_prefix(static_cast<std::size_t>(sent));
        if (sent < 0 && errno != EAGAIN && errno != EINTR) input = {};  // it reads no more
      }
      if ((wanted.revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
      const ssize_t got = ::recv(own_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return out;
      if (got < 0) continue;
      out.append(buffer.data(), static_cast<std::size_t>(got));
      if (out.size() > most_output)
        return fail(ErrorCode::over_limit,
                    fmt::format("the command '{}' prints more than {} bytes", command_, most_output));
    }
  }

  // Its status; -1 where a signal ended it.
  int wait() noexcept {
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  const std::string& command_;
  Descriptor own_;
  pid_t process_ = -1;
};

}  // namespace

Result<std::string> run_command(const std::string& command, std::string_view input, std::size_t most_output) {
  Running running(command);
  ATTAR_TRY(running.start());
  ATTAR_ASSIGN(std::string out, running.talk(input, most_output));
  const int status = running.wait();
  if (status != 0)
    return failed(command, status < 0 ? "was ended by a signal" : fmt::format("ended with status {}", status));
  return out;
}

}  // namespace attar::base
