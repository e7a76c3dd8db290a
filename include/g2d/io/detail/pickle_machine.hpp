// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/pickle_reader.hpp>
#include <g2d/io/detail/pickle_value.hpp>

namespace g2d::io::detail {

/// The storages that have a class of their own in Python, by its name in `torch`.
inline constexpr std::array<std::pair<std::string_view, at::ScalarType>, 12> pickle_storages{
    {{"DoubleStorage", at::kDouble},
     {"FloatStorage", at::kFloat},
     {"HalfStorage", at::kHalf},
     {"BFloat16Storage", at::kBFloat16},
     {"ComplexDoubleStorage", at::kComplexDouble},
     {"ComplexFloatStorage", at::kComplexFloat},
     {"LongStorage", at::kLong},
     {"IntStorage", at::kInt},
     {"ShortStorage", at::kShort},
     {"CharStorage", at::kChar},
     {"ByteStorage", at::kByte},
     {"BoolStorage", at::kBool}}};

/// The dtypes of tensors whose storage has none, by their name in `torch`.
inline constexpr std::array<std::pair<std::string_view, at::ScalarType>, 5> pickle_dtypes{
    {{"uint16", at::kUInt16},
     {"uint32", at::kUInt32},
     {"uint64", at::kUInt64},
     {"float8_e4m3fn", at::kFloat8_e4m3fn},
     {"float8_e5m2", at::kFloat8_e5m2}}};

/// Runs the pickle of a PyTorch archive. It knows the instructions of protocol 2 that `torch.save` emits for tensors in
/// dicts, lists and tuples, and five callables; anything else is refused, so no code can run. What it builds grows with
/// the pickle's length only, save the tensors' values, which are `make_tensor`'s affair.
class PickleMachine {
 public:
  using Sizes = std::vector<std::int64_t>;
  using MakeTensor =
      std::function<at::Tensor(const PickleStorage&, std::int64_t offset, const Sizes&, const Sizes& strides)>;

  PickleMachine(std::string_view bytes, MakeTensor make_tensor)
      : reader_(bytes), make_tensor_(std::move(make_tensor)) {}

  /// What was pickled; containers live as long as the machine. Errors: Malformed.
  PickleValue run() {
    for (auto opcode = reader_.take(1)[0]; opcode != '.'; opcode = reader_.take(1)[0]) step(opcode);
    if (stack_.size() != 1 || !marks_.empty()) throw Malformed("the pickle does not end with one value");
    return stack_.back();
  }

 private:
  void step(char opcode) {
    // One instruction a line.
    // clang-format off
    switch (opcode) {
      case '\x80': return check_protocol(reader_.take_number<std::uint8_t>());
      case '(': return marks_.push_back(stack_.size());
      case 'N': return push(std::monostate{});
      case '\x88': return push(true);
      case '\x89': return push(false);
      case 'K': return push(std::int64_t{reader_.take_number<std::uint8_t>()});
      case 'M': return push(std::int64_t{reader_.take_number<std::uint16_t>()});
      case 'J': return push(std::int64_t{reader_.take_number<std::int32_t>()});
      case '\x8a': return push(reader_.take_long());
      case 'G': return push(reader_.take_big_endian_double());
      case 'X': return push(reader_.take(reader_.take_number<std::uint32_t>()));
      case ')':
      case ']': return push(&lists_.emplace_back());
      case '}': return push(&dicts_.emplace_back());
      case 't': return push_tuple(pop_to_mark());
      case '\x85': return push_tuple(pop(1));
      case '\x86': return push_tuple(pop(2));
      case '\x87': return push_tuple(pop(3));
      case 'a': return append(pop(1));
      case 'e': return append(pop_to_mark());
      case 's': return set_items(pop(2));
      case 'u': return set_items(pop_to_mark());
      case 'q': return remember(reader_.take_number<std::uint8_t>());
      case 'r': return remember(reader_.take_number<std::uint32_t>());
      case 'h': return recall(reader_.take_number<std::uint8_t>());
      case 'j': return recall(reader_.take_number<std::uint32_t>());
      case 'c': return push_global();
      case 'Q': return push_storage(pop<PickleList*>("a storage's tuple")->items);
      case 'R': return call();
      case '\x81': return make_object();
      case 'b': return build();
      default: refuse(opcode);
    }
    // clang-format on
  }

  static void check_protocol(unsigned version) {
    if (version != 2) {
      throw Malformed(fmt::format("expected pickle protocol 2, which torch.save uses, got {}", version));
    }
  }

  // The stack.

  void push(PickleValue value) { stack_.push_back(std::move(value)); }

  void push_tuple(std::vector<PickleValue> items) { push(&lists_.emplace_back(PickleList{std::move(items)})); }

  /// The last `count` values, none of them below the last mark.
  std::vector<PickleValue> pop(std::size_t count) {
    const auto floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() < floor + count) throw Malformed("the pickle takes more values than it has put down");
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<PickleValue> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    return values;
  }

  std::vector<PickleValue> pop_to_mark() {
    if (marks_.empty()) throw Malformed("the pickle has lost a mark");
    auto values = pop(stack_.size() - marks_.back());
    marks_.pop_back();
    return values;
  }

  template <class T>
  T pop(std::string_view expected) {
    return as<T>(pop(1).front(), expected);
  }

  PickleValue& top() {
    if (stack_.empty()) throw Malformed("the pickle takes more values than it has put down");
    return stack_.back();
  }

  template <class T>
  static T as(const PickleValue& value, std::string_view expected) {
    const auto* held = std::get_if<T>(&value);
    if (held == nullptr) throw Malformed(fmt::format("expected {} in the pickle, got something else", expected));
    return *held;
  }

  // Instructions.

  void append(std::vector<PickleValue> values) {
    auto& items = as<PickleList*>(top(), "a list")->items;
    items.insert(items.end(), values.begin(), values.end());
  }

  void set_items(std::vector<PickleValue> values) {
    auto& items = as<PickleDict*>(top(), "a dict")->items;
    if (values.size() % 2 != 0) throw Malformed("a key in the pickle has no value");
    for (std::size_t i = 0; i < values.size(); i += 2) items.emplace_back(values[i], values[i + 1]);
  }

  void remember(std::uint32_t index) { memo_.insert_or_assign(index, top()); }

  void recall(std::uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) throw Malformed("the pickle recalls a value that it has not stored");
    push(found->second);
  }

  void push_global() {
    const auto module = reader_.take_line();
    push(PickleGlobal{module, reader_.take_line()});
  }

  /// ("storage", torch.FloatStorage, key, device, number of elements)
  void push_storage(const std::vector<PickleValue>& id) {
    if (id.size() != 5 || as<std::string_view>(id[0], "a storage") != "storage") throw Malformed("expected a storage");
    const auto type = as<PickleGlobal>(id[1], "a storage's type");
    push(PickleStorage{as<std::string_view>(id[2], "a storage's key"), storage_dtype(type),
                       as<std::int64_t>(id[4], "a storage's size")});
  }

  void call() {
    const auto& arguments = pop<PickleList*>("a call's arguments")->items;
    const auto [module, name] = pop<PickleGlobal>("a callable");
    if (module == "collections" && name == "OrderedDict" && arguments.empty()) {
      push(&dicts_.emplace_back());
    } else if (module == "torch" && name == "Size" && arguments.size() == 1) {
      push(as<PickleList*>(arguments[0], "a tensor's sizes"));
    } else if (module == "torch._utils" && name == "_rebuild_tensor_v2" && arguments.size() >= 6) {
      push(rebuild_tensor(as<PickleStorage>(arguments[0], "a storage"), arguments, /*metadata=*/6));
    } else if (module == "torch._utils" && name == "_rebuild_tensor_v3" && arguments.size() >= 7) {
      push(rebuild_tensor(typed(as<PickleStorage>(arguments[0], "a storage"),
                                dtype_of(pickle_dtypes, as<PickleGlobal>(arguments[6], "a tensor's dtype"))),
                          arguments, /*metadata=*/7));
    } else if (module == "torch._utils" && name == "_rebuild_parameter" && arguments.size() == 3) {
      push(as<at::Tensor>(arguments[0], "a parameter's tensor"));
    } else {
      refuse({module, name});
    }
  }

  /// arguments: storage, offset, sizes, strides, and from place `metadata` on, where there are any, lazy operations.
  at::Tensor rebuild_tensor(const PickleStorage& storage, const std::vector<PickleValue>& arguments,
                            std::size_t metadata) {
    auto tensor = make_tensor_(storage, as<std::int64_t>(arguments[1], "a tensor's offset"), sizes(arguments[2]),
                               sizes(arguments[3]));
    if (arguments.size() <= metadata) return tensor;
    for (const auto& [key, is_set] : as<PickleDict*>(arguments[metadata], "a tensor's metadata")->items) {
      const auto name = as<std::string_view>(key, "a name in a tensor's metadata");
      if (name != "conj" && name != "neg") throw Malformed(fmt::format("a tensor's metadata has \"{}\"", name));
      if (as<bool>(is_set, "a truth value")) tensor = name == "conj" ? tensor.conj_physical() : tensor.neg();
    }
    return tensor;
  }

  /// An untyped storage counts bytes.
  static PickleStorage typed(PickleStorage bytes, at::ScalarType dtype) {
    const auto width = static_cast<std::int64_t>(c10::elementSize(dtype));
    if (bytes.dtype != at::kByte || bytes.num_elements % width != 0) throw Malformed("a storage holds no whole values");
    return {bytes.key, dtype, bytes.num_elements / width};
  }

  [[noreturn]] void make_object() {
    pop(1);
    refuse(pop<PickleGlobal>("a class"));
  }

  /// Attributes of an OrderedDict: a state_dict's `_metadata`, which has no tensors.
  void build() {
    pop(1);
    as<PickleDict*>(top(), "a dict with attributes");
  }

  [[noreturn]] static void refuse(char opcode) {
    throw Malformed(fmt::format("pickle instruction {:#04x} is not known", static_cast<unsigned char>(opcode)));
  }

  [[noreturn]] static void refuse(PickleGlobal global) {
    throw Malformed(fmt::format(
        "it holds the Python object {}.{}; in Python, save tensors alone: torch.save(model.state_dict(), path)",
        global.module, global.name));
  }

  static at::ScalarType storage_dtype(PickleGlobal type) {
    if (type.module == "torch.storage" && type.name == "UntypedStorage") return at::kByte;
    return dtype_of(pickle_storages, type);
  }

  template <std::size_t N>
  static at::ScalarType dtype_of(const std::array<std::pair<std::string_view, at::ScalarType>, N>& names,
                                 PickleGlobal type) {
    const auto* found =
        std::find_if(names.begin(), names.end(), [&](const auto& known) { return known.first == type.name; });
    if (type.module != "torch" || found == names.end()) refuse(type);
    return found->second;
  }

  static Sizes sizes(const PickleValue& value) {
    constexpr std::size_t most_dimensions = 64;  // LibTorch's own limit
    const auto& items = as<PickleList*>(value, "a tensor's sizes")->items;
    if (items.size() > most_dimensions) throw Malformed(fmt::format("a tensor has {} dimensions", items.size()));
    Sizes sizes;
    for (const auto& item : items) sizes.push_back(as<std::int64_t>(item, "a tensor's size"));
    return sizes;
  }

  PickleReader reader_;
  MakeTensor make_tensor_;
  std::vector<PickleValue> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, PickleValue> memo_;
  std::deque<PickleList> lists_;
  std::deque<PickleDict> dicts_;
};

}  // namespace g2d::io::detail
