// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

/// What the processors have used since construction, all of them and whatever else ran on them. From Linux' powercap
/// counters of Intel and AMD packages; memory chips of their own and accelerators are not in it.
class EnergyMeter {
 public:
  /// `folder` holds the counters; the kernel lets only root read them, and a virtual machine mostly has none.
  explicit EnergyMeter(const std::filesystem::path& folder = "/sys/class/powercap") {
    std::error_code no_folder;
    for (const auto& entry : std::filesystem::directory_iterator(folder, no_folder)) {
      // A package counts its cores too, and is seen once more under intel-rapl-mmio.
      if (!entry.path().filename().string().starts_with("intel-rapl:")) continue;
      std::string name;
      if (!(std::ifstream(entry.path() / "name") >> name) || !name.starts_with("package-")) continue;
      packages_.push_back(
          {entry.path(), microjoules(entry.path() / "energy_uj"), microjoules(entry.path() / "max_energy_range_uj")});
    }
  }

  /// None when a package cannot be read. A counter starts again from zero after some minutes under load (65 kJ on AMD):
  /// to be asked more often than that.
  [[nodiscard]] std::optional<double> joules() {
    if (packages_.empty()) return std::nullopt;
    for (auto& package : packages_) {
      const auto now = microjoules(package.path / "energy_uj");
      if (!now || !package.last || !package.range) return std::nullopt;
      used_ += *now - *package.last + (*now < *package.last ? *package.range : 0);
      package.last = now;
    }
    return 1e-6 * static_cast<double>(used_);
  }

 private:
  struct Package {
    std::filesystem::path path;
    std::optional<std::int64_t> last;
    std::optional<std::int64_t> range;  ///< Where the counter starts again.
  };

  static std::optional<std::int64_t> microjoules(const std::filesystem::path& file) {
    std::int64_t value = 0;
    return std::ifstream(file) >> value ? std::optional(value) : std::nullopt;
  }

  std::vector<Package> packages_;
  std::int64_t used_ = 0;
};
