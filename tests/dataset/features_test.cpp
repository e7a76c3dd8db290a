// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <torch/torch.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/load_in_memory.hpp>
#include <g2d/dataset/feature_files.hpp>
#include <g2d/dataset/iemocap.hpp>
#include <g2d/dataset/ur_funny.hpp>
#include <g2d/io/safetensors.hpp>

#include "dataset/same_batches.hpp"
#include "support/catch.hpp"
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using Catch::Matchers::Contains;
using g2d::ConfigError;
using g2d::DataError;
using g2d::OutputKind;
using g2d::dataset::FeatureFilesOptions;
using g2d::dataset::read_feature_files;
using g2d::dataset::read_iemocap;
using g2d::dataset::read_ur_funny;
using g2d_test::names_of;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_npz;

using Arrays = std::vector<std::pair<std::string, at::Tensor>>;

at::Tensor ids(const std::string& prefix, std::int64_t count) {
  auto bytes = torch::zeros({count, 16}, at::kByte);
  for (std::int64_t row = 0; row < count; ++row) {
    const auto id = fmt::format("{}{}", prefix, row);
    std::memcpy(bytes[row].mutable_data_ptr(), id.data(), id.size());
  }
  return bytes;
}

/// What tools/convert_features.py writes: sequences of 1 to 5 steps with zeros behind them, alternating classes.
Arrays arrays(const std::string& split, std::int64_t count) {
  Arrays arrays;
  std::int64_t width = 3;
  for (const std::string modality : {"text", "audio", "vision"}) {
    const auto lengths = torch::arange(count, at::kLong).remainder(5) + 1;
    const auto is_valid = torch::arange(5).unsqueeze(0) < lengths.unsqueeze(1);
    const auto values = torch::randn({count, 5, width}) * 4 + 10;
    arrays.emplace_back(modality, values * is_valid.unsqueeze(2));
    arrays.emplace_back(modality + "_lengths", lengths);
    ++width;
  }
  arrays.emplace_back("labels", torch::arange(count, at::kLong).remainder(2));
  arrays.emplace_back("ids", ids(split, count));
  return arrays;
}

at::Tensor& get(Arrays& arrays, const std::string& name) {
  for (auto& [key, value] : arrays) {
    if (key == name) return value;
  }
  throw std::logic_error("no such array");
}

void remove(Arrays& arrays, const std::string& name) {
  std::erase_if(arrays, [&](const auto& item) { return item.first == name; });
}

struct Tree {
  Tree() { torch::manual_seed(1); }

  const TemporaryFolder& write() {
    write_npz(folder / "train.npz", train);
    write_npz(folder / "validation.npz", validation);
    write_npz(folder / "test.npz", test, /*compressed=*/true);
    return folder;
  }
  std::string error() {
    return thrown<DataError>([&] { (void)read_feature_files(write().path()); });
  }

  TemporaryFolder folder;
  Arrays train = arrays("train", 12);
  Arrays validation = arrays("val", 5);
  Arrays test = arrays("test", 4);
};

}  // namespace

TEST_CASE("dataset::read_ur_funny, read_iemocap: same batches streamed and in memory", "[dataset][features]") {
  Tree tree;
  tree.write();
  g2d_test::check_loader([&] { return read_ur_funny(tree.folder.path()); });
  g2d_test::check_loader([&] { return read_iemocap(tree.folder.path(), {.max_length = 2}); });
}

TEST_CASE("dataset::read_ur_funny: three modalities of sequences, two classes, the files' splits and ids",
          "[dataset][features]") {
  Tree tree;
  const auto dataset = read_ur_funny(tree.write().path());
  CHECK(dataset.name == "UR-Funny");
  CHECK(dataset.target.kind == OutputKind::Classes);
  CHECK(dataset.target.names == std::vector<std::string>{"not funny", "funny"});
  CHECK(dataset.warnings.empty());
  CHECK(dataset.splits.train.names().joined() == "text, audio, vision");
  CHECK(dataset.splits.train.size() == 12);
  CHECK(names_of(dataset.splits.validation) == std::vector<std::string>{"val0", "val1", "val2", "val3", "val4"});
  CHECK(torch::equal(dataset.splits.test.targets(), torch::tensor({0, 1, 0, 1}, at::kLong)));
  for (std::size_t m = 0; m < 3; ++m) {
    CHECK(dataset.splits.test.is_sequence(m));
    CHECK(dataset.splits.test.read(2, m, 0).sizes() == at::IntArrayRef{3, 3 + static_cast<std::int64_t>(m)});
  }
}

TEST_CASE("dataset::read_feature_files: features are standardised by the valid steps of the training split",
          "[dataset][features]") {
  Tree tree;
  const auto dataset = read_feature_files(tree.write().path());
  std::vector<at::Tensor> raw;
  std::vector<at::Tensor> read;
  for (std::int64_t row = 0; row < 12; ++row) {
    raw.push_back(get(tree.train, "audio")[row].narrow(0, 0, row % 5 + 1));
    read.push_back(dataset.splits.train.read(row, 1, 0));
  }
  const auto steps = torch::cat(raw).to(at::kDouble);
  const auto expected = (steps - steps.mean(0)) / steps.std(0, /*unbiased=*/false);
  CHECK(torch::allclose(torch::cat(read).to(at::kDouble), expected, 1e-5, 1e-6));
  const auto test = get(tree.test, "audio")[1].narrow(0, 0, 2).to(at::kDouble);
  CHECK(torch::allclose(dataset.splits.test.read(1, 1, 0).to(at::kDouble), (test - steps.mean(0)) / steps.std(0, false),
                        1e-5, 1e-6));

  const auto plain = read_feature_files(tree.folder.path(), {.standardizes = false, .max_length = 2});
  CHECK(torch::equal(plain.splits.train.read(4, 0, 0), get(tree.train, "text")[4].narrow(0, 3, 2)));
}

TEST_CASE(
    "dataset::read_feature_files: a feature that is constant becomes 0, and modalities that are all constant are "
    "refused",
    "[dataset][features]") {
  Tree tree;
  get(tree.train, "text").select(2, 1).fill_(7);
  const auto dataset = read_feature_files(tree.write().path());
  CHECK(dataset.splits.train.read(4, 0, 0).select(1, 1).abs().max().item<double>() == 0);
  get(tree.train, "text").fill_(7);
  CHECK_THAT(tree.error(), Contains("train.npz: array \"text\": expected values that vary, got the same in all"));
}

TEST_CASE(
    "dataset::read_feature_files: without lengths, the steps of zeros at the end do not count; without ids, rows are "
    "numbered",
    "[dataset][features]") {
  Tree tree;
  for (auto* split : {&tree.train, &tree.validation, &tree.test}) {
    remove(*split, "audio_lengths");
    remove(*split, "ids");
  }
  get(tree.test, "audio")[3][1].zero_();  // inside a sequence of four steps
  const auto dataset = read_feature_files(tree.write().path());
  CHECK(dataset.splits.test.read(3, 1, 0).size(0) == 4);
  CHECK(dataset.splits.test.read(0, 1, 0).size(0) == 1);
  CHECK(names_of(dataset.splits.test) == std::vector<std::string>{"test:0", "test:1", "test:2", "test:3"});
}

TEST_CASE(
    "dataset::read_feature_files: a sequence without steps is an absent modality; a sample without any is left out",
    "[dataset][features]") {
  Tree tree;
  get(tree.train, "vision_lengths")[2] = 0;
  for (const auto* modality : {"text_lengths", "audio_lengths", "vision_lengths"}) get(tree.test, modality)[1] = 0;
  const auto dataset = read_feature_files(tree.write().path());
  CHECK_FALSE(dataset.splits.train.has(2, 2));
  CHECK(dataset.splits.train.has(2, 0));
  CHECK(dataset.splits.train.has(3, 2));
  CHECK(names_of(dataset.splits.test) == std::vector<std::string>{"test0", "test2", "test3"});
  REQUIRE(dataset.warnings.size() == 1);
  CHECK_THAT(dataset.warnings[0], Contains("test.npz: 1 of 4 samples have no step in any modality: left out"));
  g2d_test::check_split(dataset.splits.train);
}

TEST_CASE("dataset::read_feature_files: NaN and infinity become 0, with a warning that counts them",
          "[dataset][features]") {
  Tree tree;
  get(tree.train, "audio")[1][0][2] = std::numeric_limits<float>::quiet_NaN();
  get(tree.train, "audio")[2][1][0] = -std::numeric_limits<float>::infinity();
  const auto dataset = read_feature_files(tree.write().path(), {.standardizes = false});
  REQUIRE(dataset.warnings.size() == 1);
  CHECK_THAT(dataset.warnings[0],
             Contains("train.npz: array \"audio\": 2 of 240 values are NaN or infinity: replaced by 0"));
  CHECK(dataset.splits.train.read(1, 1, 0)[0][2].item<double>() == 0);
  CHECK(dataset.splits.train.read(2, 1, 0)[1][0].item<double>() == 0);
}

TEST_CASE("dataset::read_feature_files: .safetensors gives what .npz does, and a chosen modality is read alone",
          "[dataset][features]") {
  Tree tree;
  const auto expected = read_feature_files(tree.write().path(), {.modalities = {"vision", "text"}});
  g2d::io::Tensors tensors;
  for (const auto& [name, value] : tree.train) tensors.insert(name, value);
  g2d::io::write_safetensors(tensors, tree.folder / "train.safetensors");
  std::filesystem::remove(tree.folder / "train.npz");
  const auto dataset = read_feature_files(tree.folder.path(), {.modalities = {"vision", "text"}});
  CHECK(dataset.splits.train.names().joined() == "vision, text");
  CHECK(dataset.splits.train.fingerprint() == expected.splits.train.fingerprint());
  REQUIRE(dataset.warnings.size() == 3);
  CHECK_THAT(dataset.warnings[1], Contains("test.npz: not used: audio, audio_lengths"));
}

TEST_CASE(
    "dataset::read_feature_files: without a file for validation, some of every class are held out of the training "
    "split",
    "[dataset][features]") {
  Tree tree;
  std::filesystem::remove(tree.write() / "validation.npz");
  const auto dataset = read_feature_files(tree.folder.path(), {.validation_fraction = 0.34, .seed = 3});
  CHECK(dataset.splits.train.size() == 8);
  CHECK(torch::equal(dataset.splits.validation.targets().bincount(), torch::tensor({2, 2}, at::kLong)));
  const auto again = read_feature_files(tree.folder.path(), {.validation_fraction = 0.34, .seed = 3});
  CHECK(torch::equal(dataset.splits.validation.sample_ids(), again.splits.validation.sample_ids()));
  g2d_test::check_loader([&] { return read_feature_files(tree.folder.path(), {.validation_fraction = 0.34}); });
}

TEST_CASE("dataset::read_feature_files: labels have a class for each of their numbers, from whatever number on",
          "[dataset][features]") {
  Tree tree;
  const auto with = [&](const std::vector<double>& numbers, at::ScalarType dtype) {
    for (auto* split : {&tree.train, &tree.validation, &tree.test}) {
      auto& labels = get(*split, "labels");
      const auto rows = torch::arange(labels.size(0)).remainder(static_cast<std::int64_t>(numbers.size()));
      labels = torch::tensor(numbers, at::kDouble).index_select(0, rows).to(dtype);
    }
    return read_feature_files(tree.write().path());
  };
  const auto check = [&](const std::vector<double>& numbers, at::ScalarType dtype,
                         const std::vector<std::string>& names) {
    const auto dataset = with(numbers, dtype);
    CHECK(dataset.target.kind == OutputKind::Classes);
    CHECK(dataset.target.names == names);
    CHECK(dataset.target.num_outputs == static_cast<std::int64_t>(names.size()));
    const auto expected = torch::arange(4).remainder(static_cast<std::int64_t>(names.size()));
    CHECK(torch::equal(dataset.splits.test.targets(), expected));
    CHECK(dataset.warnings.size() == (c10::isIntegralType(dtype, true) ? 0 : 1));
  };
  for (const auto dtype : {at::kLong, at::kInt, at::kByte, at::kFloat, at::kDouble}) {
    INFO(c10::toString(dtype));
    check({0, 1}, dtype, {"0", "1"});
    check({0, 1, 2}, dtype, {"0", "1", "2"});
    check({1, 2, 3}, dtype, {"1", "2", "3"});
    check({1, 2}, dtype, {"1", "2"});
    check({10, 20}, dtype, {"10", "20"});
  }
  check({5, 6, 9}, at::kLong, {"5", "6", "9"});
  check({-1, 1}, at::kLong, {"-1", "1"});
  check({-1, 1}, at::kFloat, {"-1", "1"});
  CHECK_THAT(with({0, 1}, at::kFloat).warnings[0],
             Contains("labels are whole numbers stored as floating point: taken for 2 classes; store them as integers, "
                      "or as [N, 1] if they are values"));
  const auto gap = with({0, 1, 3}, at::kLong);
  CHECK(gap.target.num_outputs == 4);
  CHECK_THAT(gap.warnings.at(0), Contains("1 of 4 classes have no training sample: 2"));

  for (const std::vector<double>& numbers : {std::vector<double>{0.5, 1, 2}, {18, 35, 70}, {-3, 0, 3}}) {
    const auto values = with(numbers, at::kDouble);
    CHECK(values.target.kind == OutputKind::Values);
    CHECK(values.target.num_outputs == 1);
    CHECK(values.splits.test.targets().sizes() == at::IntArrayRef{4, 1});
  }
}

TEST_CASE("dataset::read_feature_files: with class names, labels from 1 on are the classes in their order",
          "[dataset][features]") {
  Tree tree;
  for (auto* split : {&tree.train, &tree.validation, &tree.test}) get(*split, "labels") += 1;
  const auto dataset = read_feature_files(tree.write().path(), {.class_names = {"no", "yes"}});
  CHECK(dataset.target.names == std::vector<std::string>{"no", "yes"});
  CHECK(torch::equal(dataset.splits.test.targets(), torch::tensor({0, 1, 0, 1})));
  get(tree.train, "labels")[0] = 0;
  CHECK_THAT(thrown<DataError>([&] { (void)read_feature_files(tree.write().path(), {.class_names = {"no", "yes"}}); }),
             Contains("train.npz: row 1: expected a label from 0 to 1, got 2"));
}

TEST_CASE("dataset::read_feature_files: values keep the differences of targets with a large offset",
          "[dataset][features]") {
  Tree tree;
  for (auto* split : {&tree.train, &tree.validation, &tree.test}) {
    auto& labels = get(*split, "labels");
    labels = (torch::arange(labels.size(0), at::kDouble) + 1.7e9).unsqueeze(1);
  }
  const auto targets = read_feature_files(tree.write().path()).splits.train.targets();
  CHECK(torch::equal(targets, torch::arange(12, at::kDouble).unsqueeze(1) + 1.7e9));
}

TEST_CASE("dataset::read_feature_files: float64 features with a large offset are standardised before they are rounded",
          "[dataset][features]") {
  Tree tree;
  for (auto* split : {&tree.train, &tree.validation, &tree.test}) {
    auto& text = get(*split, "text");
    text = text.to(at::kDouble) + 1.7e9;
  }
  const auto dataset = read_feature_files(tree.write().path());
  std::vector<at::Tensor> raw, read;
  for (std::int64_t row = 0; row < 12; ++row) {
    raw.push_back(get(tree.train, "text")[row].narrow(0, 0, row % 5 + 1) - 1.7e9);
    read.push_back(dataset.splits.train.read(row, 0, 0));
  }
  const auto steps = torch::cat(raw);
  CHECK(read[0].scalar_type() == at::kFloat);
  CHECK(torch::allclose(torch::cat(read).to(at::kDouble), (steps - steps.mean(0)) / steps.std(0, false), 1e-5, 1e-5));
}

TEST_CASE("dataset::read_feature_files: one column of whole numbers is values, and told", "[dataset][features]") {
  Tree tree;
  for (auto* split : {&tree.train, &tree.validation, &tree.test}) {
    auto& labels = get(*split, "labels");
    labels = torch::arange(labels.size(0)).remainder(3).to(at::kFloat).unsqueeze(1);
  }
  const auto dataset = read_feature_files(tree.write().path());
  CHECK(dataset.target.kind == OutputKind::Values);
  CHECK(dataset.warnings ==
        std::vector<std::string>{
            "labels [N, 1] are whole numbers: taken for values; store them as integers [N] if they are 3 classes"});
}

TEST_CASE("dataset::read_feature_files: arrays that have no part in it may be of any dtype", "[dataset][features]") {
  Tree tree;
  tree.write();
  std::vector<std::pair<std::string, std::string>> members{
      {"speaker.npy", g2d_test::npy_bytes(g2d_test::npy_dict("<U3", {1}), std::string(12, 'x'))}};
  for (const auto& [name, values] : tree.train) members.emplace_back(name + ".npy", g2d_test::npy_bytes(values));
  g2d_test::write_zip(tree.folder / "train.npz", members, true);
  const auto dataset = read_feature_files(tree.folder.path());
  REQUIRE(dataset.warnings.size() == 1);
  CHECK_THAT(dataset.warnings[0], Contains("train.npz: not used: speaker"));
}

TEST_CASE("dataset::read_feature_files: a test file that lacks a modality is read, and told", "[dataset][features]") {
  Tree tree;
  const auto check = [&] {
    const auto dataset = read_feature_files(tree.write().path());
    REQUIRE(dataset.warnings.size() == 1);
    CHECK(dataset.warnings[0] == "no test sample has the modality \"vision\": tested on the others");
    const auto test = g2d::data::load_in_memory(dataset.splits.test);
    CHECK(test.all().inputs[2].values.size(2) == 5);
    CHECK(test.all().inputs[2].lengths.eq(0).all().item<bool>());
    CHECK_FALSE(test.all().present.select(1, 2).any().item<bool>());
    CHECK(test.all().present.select(1, 0).all().item<bool>());
  };
  SECTION("no steps") {
    get(tree.test, "vision_lengths").zero_();
    check();
  }
  SECTION("no array") {
    remove(tree.test, "vision");
    check();
  }
  SECTION("validation") {
    get(tree.validation, "vision_lengths").zero_();
    CHECK_THAT(tree.error(),
               Contains("validation.npz: modality \"vision\": expected at least one sample that has it, got none"));
  }
}

TEST_CASE("dataset::read_feature_files: a class of one row is not held out; ids are UTF-8; files may be in capitals",
          "[dataset][features]") {
  Tree tree;
  get(tree.train, "labels")[4] = 2;
  std::filesystem::remove(tree.write() / "validation.npz");
  std::filesystem::rename(tree.folder / "test.npz", tree.folder / "TEST.NPZ");
  const auto dataset = read_feature_files(tree.folder.path());
  CHECK(torch::bincount(dataset.splits.train.targets())[2].item<int>() == 1);
  REQUIRE(dataset.warnings.size() == 1);
  CHECK(dataset.warnings[0] == "class \"2\" has 1 sample, too few to divide: all in training");
  std::filesystem::remove(tree.folder / "TEST.NPZ");
  get(tree.test, "ids")[1][0] = 0xE9;
  CHECK_THAT(tree.error(), Contains("test.npz: array \"ids\": expected UTF-8 texts, got \"\\xe9est1\""));
}

TEST_CASE("dataset::read_iemocap: classes as numbered, or several emotions at once", "[dataset][features]") {
  Tree tree;
  get(tree.test, "labels")[0] = 3;
  const auto classes = read_iemocap(tree.write().path());
  CHECK(classes.target.kind == OutputKind::Classes);
  CHECK(classes.target.names == std::vector<std::string>{"0", "1", "2", "3"});
  const std::vector<std::string> emotions{"neutral", "happy", "sad", "angry"};
  CHECK(read_iemocap(tree.folder.path(), {.class_names = emotions}).target.names == emotions);

  for (auto* split : {&tree.train, &tree.validation, &tree.test}) {
    auto& labels = get(*split, "labels");
    labels = torch::rand({labels.size(0), 4}).round();
  }
  const auto several = read_iemocap(tree.write().path(), {.class_names = emotions});
  CHECK(several.target.kind == OutputKind::Labels);
  CHECK(several.target.num_outputs == 4);
  CHECK(torch::equal(several.splits.test.targets(), get(tree.test, "labels")));
  CHECK_THAT(thrown<DataError>([&] { (void)read_iemocap(tree.folder.path(), {.class_names = {"a", "b"}}); }),
             Contains("expected labels [N, 2] as there are class_names, got [12, 4]"));
  CHECK_THAT(thrown<DataError>([&] { (void)read_ur_funny(tree.folder.path()); }), Contains("class_names"));

  get(tree.train, "labels")[0][0] = 0.5;
  CHECK(read_feature_files(tree.write().path()).target.kind == OutputKind::Values);
  CHECK_THAT(thrown<DataError>([&] { (void)read_iemocap(tree.folder.path()); }),
             Contains("expected labels int64 [N], or [N, C] of 0 and 1, got other numbers"));
}

TEST_CASE("dataset::read_ur_funny: other labels and other numbers of classes are refused", "[dataset][features]") {
  Tree tree;
  get(tree.validation, "labels")[3] = 2;
  tree.write();
  CHECK_THAT(thrown<DataError>([&] { (void)read_ur_funny(tree.folder.path()); }),
             Contains("validation.npz: row 3: expected a label from 0 to 1, got 2"));
  CHECK_THAT(thrown<ConfigError>([&] { (void)read_ur_funny(tree.folder.path(), {.class_names = {"a", "b", "c"}}); }),
             Contains("dataset::read_ur_funny: expected 2 class_names, got 3"));
  for (auto* split : {&tree.train, &tree.validation, &tree.test}) {
    auto& labels = get(*split, "labels");
    labels = torch::ones({labels.size(0), 2});
  }
  tree.write();
  CHECK_THAT(thrown<DataError>([&] { (void)read_ur_funny(tree.folder.path()); }),
             Contains("expected labels int64 [N] of 0 and 1, got 2 columns"));
}

TEST_CASE("dataset::read_feature_files: what is missing is named with the layout", "[dataset][features]") {
  Tree tree;
  CHECK_THAT(thrown<DataError>([&] { (void)read_feature_files(tree.folder / "nowhere"); }),
             Contains("nowhere: expected a folder of train.npz, validation.npz (may be missing) and test.npz"));
  std::filesystem::remove(tree.write() / "test.npz");
  CHECK_THAT(thrown<DataError>([&] { (void)read_feature_files(tree.folder.path()); }),
             Contains("test.npz: expected this file in a folder of train.npz") && Contains("got no such file"));
  CHECK_THAT(thrown<ConfigError>([&] { (void)read_feature_files(tree.folder.path(), {.max_length = 0}); }),
             Contains("expected max_length >= 1, got 0"));
  CHECK_THAT(thrown<ConfigError>([&] { (void)read_feature_files(tree.folder.path(), {.modalities = {}}); }),
             Contains("expected at least one modality, got none"));
  remove(tree.train, "audio");
  CHECK_THAT(
      tree.error(),
      Contains("train.npz: array \"audio\": expected it to be there, got only [text, text_lengths, audio_lengths,"));
  g2d_test::write_bytes(tree.folder / "train.npz", "no archive");
  CHECK_THAT(thrown<DataError>([&] { (void)read_feature_files(tree.folder.path()); }), Contains("train.npz"));
}

TEST_CASE("dataset::read_feature_files: arrays that do not fit are named with file, array and row",
          "[dataset][features]") {
  Tree tree;
  SECTION("rank") {
    get(tree.train, "text") = torch::ones({12, 3});
    CHECK_THAT(tree.error(), Contains("train.npz: array \"text\": expected floating point values [12, T, D] as there "
                                      "are labels, got Float [12, 3]"));
  }
  SECTION("samples") {
    get(tree.train, "text") = torch::ones({11, 5, 3});
    CHECK_THAT(tree.error(), Contains("array \"text\": expected floating point values [12, T, D]"));
  }
  SECTION("features") {
    get(tree.test, "vision") = torch::ones({4, 5, 6});
    CHECK_THAT(tree.error(), Contains("test.npz: array \"vision\": expected 5 features as in") && Contains("got 6"));
  }
  SECTION("lengths") {
    get(tree.test, "text_lengths")[2] = 6;
    CHECK_THAT(tree.error(),
               Contains("test.npz: array \"text_lengths\": expected lengths from 0 to 5, got 6 in row 2"));
    get(tree.test, "text_lengths") = torch::ones({4});
    CHECK_THAT(tree.error(), Contains("array \"text_lengths\": expected int64 [4], got Float [4]"));
  }
  SECTION("labels") {
    get(tree.test, "labels")[1] = -1;
    CHECK_THAT(tree.error(), Contains("test.npz: row 1: expected a label from 0 to 1, got -1"));
    get(tree.test, "labels") = torch::ones({4, 3});
    CHECK_THAT(tree.error(), Contains("test.npz: expected labels [N] as in") && Contains("got [4, 3]"));
    get(tree.test, "labels") = torch::full({4, 3}, std::numeric_limits<float>::quiet_NaN());
    CHECK_THAT(tree.error(), Contains("test.npz: array \"labels\": expected finite values, got NaN or infinity"));
    get(tree.test, "labels") = torch::ones({4, 3, 2});
    CHECK_THAT(
        tree.error(),
        Contains("test.npz: array \"labels\": expected classes [N], or labels or values [N, C], got Float [4, 3, 2]"));
  }
  SECTION("ids") {
    get(tree.test, "ids") = ids("train", 4);
    CHECK_THAT(tree.error(),
               Contains("test.npz: ids: row 0: expected every id once, got \"train0\" again, which stands in") &&
                   Contains("train.npz: ids: row 0"));
    get(tree.test, "ids") = torch::zeros({4, 2}, at::kByte);
    CHECK_THAT(tree.error(), Contains("test.npz: ids: row 0: expected an id, got nothing"));
    get(tree.test, "ids") = torch::zeros({4}, at::kByte);
    CHECK_THAT(tree.error(), Contains("test.npz: array \"ids\": expected uint8 [4, W], got Byte [4]"));
  }
  SECTION("no steps") {
    for (const auto* modality : {"text_lengths", "audio_lengths", "vision_lengths"}) get(tree.test, modality).zero_();
    CHECK_THAT(tree.error(), Contains("test.npz: expected sequences of at least one step, got none"));
  }
}
