// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/util/safe_numerics.h>
#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/pickle_value.hpp>

namespace g2d::io::detail {

/// The zip archive that torch.save writes: data.pkl, and each storage as a record data/<key>.
class PtArchive {
 public:
  /// `size` is the file's; no more bytes than that are ever read out of the archive.
  PtArchive(const std::filesystem::path& path, std::int64_t size) : reader_(path.string()), unread_(size) {
    if (reader_.hasRecord("constants.pkl")) {
      throw Malformed(
          "it is a TorchScript archive; in Python: torch.save(torch.jit.load(path).state_dict(), other_path)");
    }
    if (!reader_.hasRecord("data.pkl")) {
      throw Malformed("the archive has no data.pkl: it was not written by torch.save");
    }
    if (reader_.hasRecord("byteorder") && text(record("byteorder")) != "little") throw Malformed("it is big-endian");
    pickle_ = record("data.pkl");
  }

  [[nodiscard]] std::string_view pickle() const { return text(pickle_); }

  /// A view of a storage, which is read when it is first asked for. Errors: Malformed, c10::Error.
  at::Tensor tensor(const PickleStorage& storage, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                    const std::vector<std::int64_t>& strides) {
    const auto negative = [](std::int64_t value) { return value < 0; };
    if (sizes.size() != strides.size() || negative(offset) || std::any_of(sizes.begin(), sizes.end(), negative) ||
        std::any_of(strides.begin(), strides.end(), negative)) {
      throw Malformed("a tensor's sizes, strides or offset make no sense");
    }
    const auto [found, is_new] = storages_.try_emplace(std::string(storage.key));
    if (is_new) found->second = record("data/" + found->first);
    auto bytes = static_cast<std::int64_t>(c10::elementSize(storage.dtype));
    if (negative(storage.num_elements) || c10::mul_overflows(bytes, storage.num_elements, &bytes) ||
        bytes != found->second.numel()) {
      throw Malformed(fmt::format("storage {}: expected {} elements, got {} bytes", storage.key, storage.num_elements,
                                  found->second.numel()));
    }
    return found->second.view(storage.dtype).as_strided(sizes, strides, offset);
  }

 private:
  at::Tensor record(const std::string& name) {
    const auto size = static_cast<std::int64_t>(std::min<std::uint64_t>(reader_.getRecordSize(name), INT64_MAX));
    if (size > unread_) {
      throw Malformed(fmt::format("record {}: expected it within the file, got {} bytes", name, size));
    }
    unread_ -= size;
    auto bytes = at::empty({size}, at::kByte);
    reader_.getRecord(name, bytes.mutable_data_ptr(), static_cast<std::size_t>(size));
    return bytes;
  }

  static std::string_view text(const at::Tensor& bytes) {
    return {reinterpret_cast<const char*>(bytes.const_data_ptr<std::uint8_t>()), bytes.nbytes()};
  }

  caffe2::serialize::PyTorchStreamReader reader_;
  std::int64_t unread_;
  at::Tensor pickle_;
  std::map<std::string, at::Tensor> storages_;
};

}  // namespace g2d::io::detail
