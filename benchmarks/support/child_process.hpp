// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

/// Another program, spoken to in lines through its standard input and output. Its end is waited for.
class ChildProcess {
 public:
  explicit ChildProcess(std::vector<std::string> command) {
    std::array<int, 2> to_child{}, from_child{};
    if (::pipe2(to_child.data(), O_CLOEXEC) != 0 || ::pipe2(from_child.data(), O_CLOEXEC) != 0)
      throw std::runtime_error("cannot make a pipe");
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, to_child[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, from_child[1], STDOUT_FILENO);
    std::vector<char*> arguments;
    for (auto& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    const int error = ::posix_spawnp(&process_, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(to_child[0]);
    ::close(from_child[1]);
    to_child_ = ::fdopen(to_child[1], "w");
    from_child_ = ::fdopen(from_child[0], "r");
    if (error != 0) {
      close();
      throw std::runtime_error("cannot start " + command[0]);
    }
  }
  ~ChildProcess() {
    close();
    ::waitpid(process_, nullptr, 0);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void write_line(const std::string& line) {
    std::fputs((line + "\n").c_str(), to_child_);
    std::fflush(to_child_);
  }

  /// Without its end; none when the child has closed its output.
  [[nodiscard]] std::optional<std::string> read_line() {
    std::string line;
    for (int c = std::fgetc(from_child_); c != EOF; c = std::fgetc(from_child_)) {
      if (c == '\n') return line;
      line += static_cast<char>(c);
    }
    return std::nullopt;
  }

 private:
  void close() {
    std::fclose(to_child_);
    std::fclose(from_child_);
  }

  pid_t process_ = 0;
  std::FILE* to_child_ = nullptr;
  std::FILE* from_child_ = nullptr;
};
