// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Dict.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>
#include <torch/csrc/jit/serialization/pickler.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <g2d/core/atomic_file.hpp>
#include <g2d/core/error.hpp>
#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/host_tensor.hpp>
#include <g2d/io/detail/pickle_machine.hpp>
#include <g2d/io/detail/pt_archive.hpp>
#include <g2d/io/tensors.hpp>

/// PyTorch's own files: a zip archive of a pickle and the tensors' bytes.
namespace g2d::io {

static_assert(std::endian::native == std::endian::little, "PyTorch's files are written little-endian here");

namespace detail {

/// Collects the tensors of nested containers under dotted names.
class PickleFlattener {
 public:
  /// A pickle has more bytes than values, unless its containers repeat each other to exhaust us.
  PickleFlattener(std::size_t pickle_bytes, const Wanted& is_wanted)
      : values_left_(pickle_bytes), is_wanted_(is_wanted) {}

  Tensors flatten(const PickleValue& value) {
    if (!std::holds_alternative<PickleDict*>(value)) {
      throw Malformed("expected a dict of tensors; in Python: torch.save({name: tensor}, path)");
    }
    add("", value, 0);
    return std::move(tensors_);
  }

 private:
  void add(const std::string& name, const PickleValue& value, int depth) {
    constexpr int deepest = 64;
    constexpr std::size_t longest_name = 1024;
    if (depth > deepest || values_left_ == 0 || name.size() > longest_name) {
      throw Malformed("its containers are nested too deeply or in each other, or a name is too long");
    }
    --values_left_;
    if (const auto* tensor = std::get_if<at::Tensor>(&value)) {
      if (is_wanted_ && !is_wanted_(name)) return;
      if (tensors_.contains(name)) throw Malformed(fmt::format("tensor \"{}\" occurs twice", name));
      tensors_.insert(name, *tensor);
    } else if (const auto* list = std::get_if<PickleList*>(&value)) {
      const auto& items = (*list)->items;
      for (std::size_t i = 0; i < items.size(); ++i) add(join(name, fmt::to_string(i)), items[i], depth + 1);
    } else if (const auto* dict = std::get_if<PickleDict*>(&value)) {
      for (const auto& [key, item] : (*dict)->items) add(join(name, to_name(key)), item, depth + 1);
    }
  }

  static std::string to_name(const PickleValue& key) {
    if (const auto* text = std::get_if<std::string_view>(&key)) return std::string(*text);
    if (const auto* number = std::get_if<std::int64_t>(&key)) return fmt::to_string(*number);
    throw Malformed("expected texts or integers as the keys of its dicts");
  }

  static std::string join(const std::string& name, const std::string& key) {
    return name.empty() ? key : fmt::format("{}.{}", name, key);
  }

  std::size_t values_left_;
  const Wanted& is_wanted_;
  Tensors tensors_;
};

/// Files of torch.save before PyTorch 1.6 are bare pickles, which the zip reader would call corrupt.
inline void check_is_zip(const std::filesystem::path& path) {
  std::array<char, 4> magic{};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  const std::string_view found(magic.data(), magic.size());
  if (found.substr(0, 2) == "\x80\x02") {
    throw Malformed("it has PyTorch's form from before 1.6; in Python: torch.save(torch.load(path), other_path)");
  }
  if (found != "PK\x03\x04") throw Malformed("expected a file of torch.save, got another format");
}

/// LibTorch's pickler writes a name for every dtype, but Python has no class of that name for some.
inline void check_has_storage(std::string_view name, at::ScalarType dtype) {
  if (std::none_of(pickle_storages.begin(), pickle_storages.end(),
                   [&](const auto& known) { return known.second == dtype; })) {
    throw ShapeError(fmt::format("g2d: io::write_pt: tensor \"{}\": dtype {} has no place in this format", name,
                                 c10::toString(dtype)));
  }
}

}  // namespace detail

/// The tensors of a file that Python's torch.save wrote: a dict or state_dict, nested ones with dotted names, lists by
/// index ("optimizer.state.0.exp_avg"). Other values are left out. Runs no code, whatever the file says.
///
/// Dtypes     float64 float32 float16 bfloat16 float8_e4m3fn float8_e5m2 complex128 complex64 int64 int32 int16 int8
///            uint64 uint32 uint16 uint8 bool.
/// Errors     DataError naming the file and what is wrong, with the line of Python that saves it in a readable form:
///            other Python objects, TorchScript, the form from before PyTorch 1.6. Sizes are checked before anything is
///            allocated.
[[nodiscard]] inline Tensors read_pt(const std::filesystem::path& path, const Wanted& is_wanted = {}) {
  constexpr std::string_view where = "io::read_pt";
  const auto size = detail::file_size(where, path);
  return detail::naming_the_file(where, path, [&] {
    detail::check_is_zip(path);
    detail::PtArchive archive(path, size);
    detail::PickleMachine machine(archive.pickle(),
                                  [&archive](const auto& storage, auto offset, const auto& sizes, const auto& strides) {
                                    return archive.tensor(storage, offset, sizes, strides);
                                  });
    const auto value = machine.run();
    return detail::PickleFlattener(archive.pickle().size(), is_wanted).flatten(value);
  });
}

/// Writes a dict that Python's torch.load reads as it stands, with weights_only=True; the file appears whole or not at
/// all.
///
/// Dtypes     those of read_pt but float8, uint64, uint32 and uint16.
/// Errors     DataError when the file cannot be written; ShapeError for a sparse or missing tensor, or another dtype.
inline void write_pt(const Tensors& tensors, const std::filesystem::path& path) {
  c10::Dict<std::string, at::Tensor> dict;
  for (const auto& item : tensors) {
    dict.insert(item.key(), detail::to_host("io::write_pt", item.key(), item.value()));
    detail::check_has_storage(item.key(), item.value().scalar_type());
  }
  std::string pickle;
  torch::jit::Pickler pickler([&pickle](const char* data, std::size_t size) { pickle.append(data, size); }, nullptr,
                              nullptr, nullptr, nullptr, /*tag_aggregates=*/false);
  pickler.protocol();
  pickler.pushIValue(dict);
  pickler.stop();

  AtomicFile file(path);
  {
    caffe2::serialize::PyTorchStreamWriter archive([&file](const void* data, std::size_t size) {
      file.write(data, size);
      return size;  // The archive's own answer to an error is to end the program; `commit` reports it instead.
    });
    archive.writeRecord("data.pkl", pickle.data(), pickle.size());
    constexpr std::string_view byte_order = "little";
    archive.writeRecord("byteorder", byte_order.data(), byte_order.size());
    std::size_t key = 0;
    for (const auto& tensor : pickler.tensorData()) {
      archive.writeRecord(fmt::format("data/{}", key++), tensor.const_data_ptr(), tensor.nbytes());
    }
    archive.writeEndOfFile();
  }
  file.commit();
}

}  // namespace g2d::io
