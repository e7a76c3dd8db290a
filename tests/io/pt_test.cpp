// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <caffe2/serialize/inline_container.h>
#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/io/pt.hpp>
#include "io/support.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

/// LibTorch's archive reader leaks the archive's directory when it refuses a damaged one.
extern "C" const char* __lsan_default_suppressions() { return "leak:mz_zip_reader_init\n"; }

namespace {

using Catch::Matchers::Contains;
using g2d::io::read_pt;
using g2d::io::Tensors;
using g2d::io::write_pt;
using g2d_test::read_bytes;
using g2d_test::same;
using g2d_test::TemporaryFolder;
using g2d_test::write_bytes;
using namespace std::string_literals;

void write_archive(const std::filesystem::path& path, const std::map<std::string, std::string>& records,
                   bool compress = false) {
  caffe2::serialize::PyTorchStreamWriter writer(path.string());
  for (const auto& [name, bytes] : records) writer.writeRecord(name, bytes.data(), bytes.size(), compress);
  writer.writeEndOfFile();
}

// Pieces of a pickle, as Python's pickletools names them.
std::string text(const std::string& value) { return "X"s + static_cast<char>(value.size()) + "\0\0\0"s + value; }
std::string integer(std::int32_t value) {
  return "J" + std::string(reinterpret_cast<const char*>(&value), sizeof value);
}
std::string pickle(const std::string& instructions) { return "\x80\x02" + instructions + "."; }

std::string storage(const std::string& type, const std::string& key, std::int32_t num_elements) {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + integer(num_elements) + "tQ";
}

/// `metadata`: a dict of operations that the tensor has not done yet, or nothing.
std::string tensor(const std::string& storage, const std::string& offset, const std::string& sizes,
                   const std::string& strides, const std::string& metadata = "") {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + "(" + sizes + "t(" + strides + "t\x89" +
         "ccollections\nOrderedDict\n)R" + metadata + "tR";
}

/// A dict with one value, under "a".
std::string dict_of(const std::string& value) { return "}" + text("a") + value + "s"; }

}  // namespace

TEST_CASE("io: pt: every dtype comes back bit for bit, in order", "[io][pt]") {
  const TemporaryFolder folder;
  const auto tensors = g2d_test::samples();
  write_pt(tensors, folder / "all.pt");
  const auto read = read_pt(folder / "all.pt");
  CHECK(same(read, tensors));
  CHECK(read.keys() == tensors.keys());
}

TEST_CASE("io: pt: a view is saved without the storage behind it", "[io][pt]") {
  const TemporaryFolder folder;
  Tensors tensors;
  tensors.insert("part", torch::zeros({1000000}).narrow(0, 5, 3));
  write_pt(tensors, folder / "part.pt");
  CHECK(std::filesystem::file_size(folder / "part.pt") < 4096);
}

TEST_CASE("io: pt: a truncated file is refused wherever it ends", "[io][pt]") {
  const TemporaryFolder folder;
  write_pt(g2d_test::samples(), folder / "whole.pt");
  const auto bytes = read_bytes(folder / "whole.pt");
  std::mt19937 random(3);
  for (int i = 0; i < 50; ++i) {
    const auto end = i < 10 ? static_cast<std::size_t>(i) : random() % bytes.size();
    INFO(end);
    write_bytes(folder / "cut.pt", bytes.substr(0, end));
    CHECK_THROWS_AS(read_pt(folder / "cut.pt"), g2d::DataError);
  }
}

TEST_CASE("io: pt: damage to the archive or the pickle is refused or harmless", "[io][pt]") {
  const TemporaryFolder folder;
  write_pt(g2d_test::samples(), folder / "whole.pt");
  const auto bytes = read_bytes(folder / "whole.pt");
  const auto whole = pickle(dict_of(tensor(storage("FloatStorage", "0", 6), "K\0"s, "K\2K\3", "K\3K\1")));
  std::mt19937 random(4);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    auto damaged = bytes;
    damaged[random() % bytes.size()] = static_cast<char>(random());
    write_bytes(folder / "archive.pt", damaged);
    auto instructions = whole;
    instructions[random() % whole.size()] = static_cast<char>(random());
    write_archive(folder / "pickle.pt", {{"data.pkl", instructions}, {"data/0", std::string(24, '\0')}});
    for (const auto* name : {"archive.pt", "pickle.pt"}) {
      try {
        (void)read_pt(folder / name);
      } catch (const g2d::DataError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("io: pt: each malformed file is refused with its reason", "[io][pt]") {
  const TemporaryFolder folder;
  const auto path = folder / "bad.pt";
  const auto check = [&](const std::string& reason) {
    CHECK_THROWS_AS(read_pt(path), g2d::DataError);
    CHECK_THROWS_WITH(read_pt(path), Contains("g2d: io::read_pt: " + path.string() + ": ") && Contains(reason));
  };
  const auto check_pickle = [&](const std::string& instructions, const std::string& reason) {
    INFO(reason);
    write_archive(path, {{"data.pkl", pickle(instructions)}, {"data/0", std::string(24, '\0')}});
    check(reason);
  };
  const auto check_tensor = [&](const std::string& held, const std::string& sizes, const std::string& strides,
                                const std::string& reason) {
    check_pickle(dict_of(tensor(held, "K\0"s, sizes, strides)), reason);
  };
  const auto floats = storage("FloatStorage", "0", 6);

  // The sound one, of which all others differ by one thing.
  write_archive(path, {{"data.pkl", pickle(dict_of(tensor(floats, "K\0"s, "K\2K\3", "K\3K\1")))},
                       {"data/0", std::string(24, '\0')}});
  CHECK(same(read_pt(path)["a"], torch::zeros({2, 3})));

  check_tensor(storage("FloatStorage", "0", 7), "K\7", "K\1", "storage 0: expected 7 elements, got 24 bytes");
  check_tensor(storage("FloatStorage", "0", -1), "K\7", "K\1", "storage 0: expected -1 elements");
  check_tensor(storage("FloatStorage", "1", 6), "K\6", "K\1", "data/1");
  check_tensor(storage("QInt8Storage", "0", 24), "K\3", "K\1", "the Python object torch.QInt8Storage");
  check_tensor(floats, "K\7", "K\1", "out of bounds for storage");
  check_tensor(floats, "J\0\0\0\x7f"s + "J\0\0\0\x7f"s + "J\0\0\0\x7f"s, "K\0K\0K\0"s, "overflow");
  check_tensor(floats, "J\0\0\0\x7f"s, "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", "overflow");
  check_tensor(floats, integer(-2), "K\1", "make no sense");
  check_tensor(floats, "K\2", integer(-1), "make no sense");
  check_tensor(floats, "K\2K\3", "K\1", "make no sense");
  check_tensor(floats, "X\1\0\0\0a"s, "K\1", "expected a tensor's size");
  std::string ones;
  for (int i = 0; i < 65; ++i) ones += "K\1";
  check_tensor(floats, ones, ones, "a tensor has 65 dimensions");

  check_pickle("cos\nsystem\n" + ("(" + text("true") + "tR"), "it holds the Python object os.system");
  check_pickle("ccollections\nOrderedDict\n(" + floats + "tR", "the Python object collections.OrderedDict");
  check_pickle("}" + text("a"), "does not end with one value");
  check_pickle("(}", "does not end with one value");
  check_pickle("s", "takes more values than it has put down");
  check_pickle("}q\1h\2", "recalls a value that it has not stored");
  check_pickle("q\1", "takes more values than it has put down");
  check_pickle("}K\1(ss", "takes more values than it has put down");
  check_pickle("u", "lost a mark");
  check_pickle("}(K\1u", "a key in the pickle has no value");
  check_pickle("]K\1K\1s", "expected a dict");
  check_pickle("K\1K\1K\1a", "expected a list");
  check_pickle("\x8a\x09" + std::string(9, '\1'), "more than 64 bits");
  check_pickle("X\xff\xff\xff\xff", "truncated");
  check_pickle("ccollections", "truncated");
  check_pickle("\x93", "pickle instruction 0x93 is not known");
  check_pickle("K\1", "expected a dict of tensors");
  check_pickle("}X\0\5\0\0"s + std::string(1280, 'x') + "Ns", "a name is too long");
  check_pickle("}N" + tensor(floats, "K\0"s, "K\6", "K\1") + "s", "expected texts or integers as the keys");
  check_pickle(
      "}(" + text("a") + tensor(floats, "K\0"s, "K\6", "K\1") + text("a") + tensor(floats, "K\0"s, "K\6", "K\1") + "u",
      "tensor \"a\" occurs twice");

  write_archive(path, {{"data.pkl", "\x80\x04}."}});
  check("expected pickle protocol 2, which torch.save uses, got 4");
  write_archive(path, {{"other.pkl", pickle("}")}});
  check("has no data.pkl");
  write_archive(path, {{"data.pkl", pickle("}")}, {"byteorder", "big"}});
  check("it is big-endian");
  write_archive(path, {{"data.pkl", pickle("}" + std::string(1000000, 'N'))}}, /*compress=*/true);
  check("record data.pkl: expected it within the file, got 1000004 bytes");
  write_bytes(path, "");
  check("expected a file of torch.save, got another format");
  write_bytes(path, "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  check("PyTorch's form from before 1.6; in Python: torch.save(torch.load(path), other_path)");
  CHECK_THROWS_WITH(read_pt(folder / "absent.pt"), Contains("absent.pt: no such file"));
}

TEST_CASE("io: pt: what torch.save has put off, a sign or a conjugation, is in the values", "[io][pt]") {
  const TemporaryFolder folder;
  const auto path = folder / "lazy.pt";
  const auto values = torch::tensor({1.0F, 2.0F, -3.0F, 4.0F});
  const std::string bytes(static_cast<const char*>(values.const_data_ptr()), values.nbytes());
  const auto read = [&](const std::string& type, int count, const std::string& metadata) {
    const auto sizes = "K" + std::string(1, static_cast<char>(count));
    write_archive(path,
                  {{"data.pkl", pickle(dict_of(tensor(storage(type, "0", count), "K\0"s, sizes, "K\1", metadata)))},
                   {"data/0", bytes}});
    return read_pt(path)["a"];
  };
  CHECK(same(read("FloatStorage", 4, "}" + text("neg") + "\x88s"), -values));
  CHECK(same(read("FloatStorage", 4, "}" + text("neg") + "\x89s"), values));
  CHECK(same(read("FloatStorage", 4, "}"), values));
  const auto complex = torch::view_as_complex(values.view({2, 2}));
  CHECK(same(read("ComplexFloatStorage", 2, "}" + text("conj") + "\x88s"), complex.conj().resolve_conj()));
  CHECK(same(read("ComplexFloatStorage", 2, "}(" + text("conj") + "\x88" + text("neg") + "\x88u"),
             complex.conj().neg().resolve_conj()));
  CHECK_THROWS_WITH(read("FloatStorage", 4, "}" + text("other") + "\x88s"),
                    Contains("a tensor's metadata has \"other\""));
}

TEST_CASE("io: pt: dtypes without a storage of their own in Python are not written", "[io][pt]") {
  const TemporaryFolder folder;
  Tensors tensors;
  tensors.insert("a", torch::zeros({2}).to(at::kUInt16));
  CHECK_THROWS_AS(write_pt(tensors, folder / "a.pt"), g2d::ShapeError);
  CHECK_THROWS_WITH(write_pt(tensors, folder / "a.pt"),
                    Contains("tensor \"a\": dtype UInt16 has no place in this format"));
  CHECK(g2d_test::names_in(folder.path()).empty());
}

TEST_CASE("io: pt: containers that hold themselves or each other without end are refused", "[io][pt]") {
  const TemporaryFolder folder;
  write_archive(folder / "cycle.pt", {{"data.pkl", pickle("}q\1" + text("a") + "h\1s")}});
  CHECK_THROWS_WITH(read_pt(folder / "cycle.pt"), Contains("nested too deeply or in each other"));

  // Forty tuples, each holding the one before it twice: a thousand billion values.
  std::string doubling = "}" + text("a") + "]q\0"s;
  for (char i = 1; i < 40; ++i) doubling += "h"s + static_cast<char>(i - 1) + "\x86q" + i;
  write_archive(folder / "doubling.pt", {{"data.pkl", pickle(doubling + "s")}});
  CHECK_THROWS_AS(read_pt(folder / "doubling.pt"), g2d::DataError);
}

TEST_CASE("io: pt: what LibTorch itself saves for C++ is refused with advice", "[io][pt]") {
  const TemporaryFolder folder;
  torch::save(torch::zeros({2}), (folder / "cpp.pt").string());
  CHECK_THROWS_AS(read_pt(folder / "cpp.pt"), g2d::DataError);
  CHECK_THROWS_WITH(read_pt(folder / "cpp.pt"), Contains("TorchScript archive"));
}

TEST_CASE("io: pt: Python's default torch.load reads what we write", "[io][pt][python]") {
  const TemporaryFolder folder;
  if (!g2d_test::run_python("has torch")) {
    WARN("skipped: G2D_PYTHON names no Python with torch");
    return;
  }
  const auto tensors = g2d_test::samples();
  write_pt(tensors, folder / "ours.pt");
  REQUIRE(g2d_test::run_python("copy " + (folder / "ours.pt").string() + " " + (folder / "theirs.pt").string()));
  CHECK(same(read_pt(folder / "theirs.pt"), tensors));
}

TEST_CASE("io: pt: Python's dicts are read, its other objects refused with advice", "[io][pt][python]") {
  const TemporaryFolder folder;
  if (!g2d_test::run_python("has torch")) {
    WARN("skipped: G2D_PYTHON names no Python with torch");
    return;
  }
  REQUIRE(g2d_test::run_python("write_pt_cases " + folder.path().string()));
  const auto x = torch::arange(6, at::kFloat).reshape({2, 3});
  Tensors a;
  a.insert("a", x);
  CHECK(same(read_pt(folder / "ordered.pt"), a));
  CHECK(same(read_pt(folder / "plain.pt"), a));

  const auto nested = read_pt(folder / "nested.pt");
  CHECK(nested["model.weight"].sizes() == at::IntArrayRef{2, 3});
  CHECK(same(nested["list.0"], x));
  CHECK(same(nested["list.1.y"], x[0]));
  CHECK(nested.contains("optimizer.state.0.exp_avg"));
  CHECK(nested.size() == 7);

  const auto views = read_pt(folder / "views.pt");
  CHECK(same(views["part"], torch::arange(2, 5)));
  CHECK(views["part"].storage().data() == views["whole"].storage().data());
  CHECK(same(views["transposed"], x.t()));
  CHECK(same(views["parameter"], x));

  const auto rare = read_pt(folder / "rare.pt");
  for (const auto& item : rare) {
    INFO(item.key());
    CHECK(torch::equal(item.value().to(at::kComplexFloat), x.to(at::kComplexFloat)));
  }
  CHECK(rare["uint16"].scalar_type() == at::kUInt16);
  CHECK(rare["float8"].scalar_type() == at::kFloat8_e4m3fn);
  CHECK(rare["complex"].scalar_type() == at::kComplexFloat);

  const auto lazy = read_pt(folder / "lazy.pt");
  CHECK(same(lazy["imag"], -x));
  CHECK(same(lazy["part"], -x[1]));
  CHECK(same(lazy["conj"], torch::complex(x, -x)));
  CHECK(same(lazy["both"], x));

  const auto refused = [&](const std::string& name, const std::string& reason) {
    INFO(name);
    CHECK_THROWS_AS(read_pt(folder / name), g2d::DataError);
    CHECK_THROWS_WITH(read_pt(folder / name), Contains(name) && Contains(reason));
  };
  refused("module.pt", "the Python object torch.nn.modules.linear.Linear");
  refused("namespace.pt",
          "the Python object argparse.Namespace; in Python, save tensors alone: torch.save(model.state_dict(), path)");
  refused("legacy.pt", "before 1.6; in Python: torch.save(torch.load(path), other_path)");
  refused("bits.pt", "the Python object torch.bits8");
  refused("protocol4.pt", "expected pickle protocol 2");
  refused("tensor.pt", "expected a dict of tensors");
  refused("tuple_key.pt", "expected texts or integers as the keys");
  refused("twice.pt", "tensor \"a.b\" occurs twice");
  refused("script.pt", "TorchScript archive");
}
