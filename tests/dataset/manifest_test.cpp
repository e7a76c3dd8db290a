// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// What a manifest's columns mean: labels, groups, splits, targets, sequences, names.

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/load_in_memory.hpp>
#include <g2d/dataset/manifest.hpp>
#include <g2d/metrics/measure.hpp>
#include <g2d/task/regression.hpp>

#include "dataset/same_batches.hpp"
#include "support/catch.hpp"
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using Catch::Matchers::Contains;
using g2d::ConfigError;
using g2d::DataError;
using g2d::dataset::Dataset;
using g2d::dataset::ManifestOptions;
using g2d::dataset::read_manifest;
using g2d_test::names_of;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_bytes;
using g2d_test::write_npy;
using g2d_test::write_npz;
using g2d_test::write_zip;
using Names = std::vector<std::string>;

/// A folder with a file x.npy, of which all rows of a manifest may be made.
struct Folder {
  Folder() { write_npy(path / "x.npy", torch::arange(4)); }

  /// `row(i)`: the cells of row i behind its id and before the file x.npy.
  [[nodiscard]] std::string text(const std::string& columns, int count,
                                 const std::function<std::string(int)>& row) const {
    std::string text = fmt::format("id,{},npy:x\n", columns);
    for (int i = 0; i < count; ++i) text += fmt::format("{},{},x.npy\n", i, row(i));
    return text;
  }
  [[nodiscard]] Dataset read(const std::string& text, const ManifestOptions& options = {}) const {
    write_bytes(path / "manifest.csv", text);
    return read_manifest(path.path(), options);
  }
  [[nodiscard]] std::string error(const std::string& text, const ManifestOptions& options = {}) const {
    return thrown<DataError>([&] { (void)read(text, options); });
  }

  TemporaryFolder path;
};

/// Train, validation and test in turn.
std::string split_of(int i) { return i % 4 == 2 ? "val" : i % 4 == 3 ? "test" : "train"; }

bool warns(const Dataset& dataset, const std::string& text) {
  return std::any_of(dataset.warnings.begin(), dataset.warnings.end(),
                     [&](const auto& warning) { return warning.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("dataset::read_manifest: blanks around labels do not count", "[dataset][manifest]") {
  const Folder folder;
  const Names spellings{"calm", "\" calm\"", "\"calm \"", "\"calm\t\"", "\"calm\xC2\xA0\"", "\"\ncalm\""};
  const auto text = folder.text("split,label", 24, [&](int i) {
    return split_of(i) + "," + (i % 2 == 0 ? "wild" : spellings[static_cast<std::size_t>(i / 2 % 6)]);
  });
  CHECK(folder.read(text).target.names == Names{"calm", "wild"});
  CHECK(folder.read(text, {.class_names = {"wild", "calm"}}).target.num_outputs == 2);
  CHECK(folder.read(text).warnings.empty());
}

TEST_CASE("dataset::read_manifest: a label that says that there is none is refused with its line",
          "[dataset][manifest]") {
  const Folder folder;
  for (const std::string missing : {"nan", "NaN", "NAN", "NA", "N/A", "null", "None", "\" nan \""}) {
    INFO(missing);
    const auto text =
        folder.text("split,label", 12, [&](int i) { return split_of(i) + "," + (i == 5 ? missing : "a"); });
    CHECK_THAT(folder.error(text), Contains("manifest.csv: line 7: column \"label\": expected a label, got \"") &&
                                       Contains("leave the row out, or name the class among the class names"));
  }
  const auto blank =
      folder.text("split,label", 12, [&](int i) { return split_of(i) + "," + (i == 5 ? "\" \"" : "a"); });
  CHECK_THAT(folder.error(blank), Contains("line 7: column \"label\": expected a label, got nothing"));
  const auto regions =
      folder.text("split,label", 12, [&](int i) { return split_of(i) + "," + (i % 2 == 0 ? "NA" : "EU"); });
  CHECK(folder.read(regions, {.class_names = {"NA", "EU"}}).target.names == Names{"NA", "EU"});
}

TEST_CASE("dataset::read_manifest: classes that differ in spelling alone are told", "[dataset][manifest]") {
  const Folder folder;
  const auto read = [&](const std::string& a, const std::string& b) {
    return folder.read(folder.text("split,label", 12, [&](int i) { return split_of(i) + "," + (i % 8 < 4 ? a : b); }));
  };
  CHECK(warns(read("Calm", "calm"), "classes that differ in spelling alone: \"Calm\", \"calm\""));
  CHECK(warns(read("1", "1.0"), "classes that differ in spelling alone: \"1\", \"1.0\""));
  CHECK(warns(read("+1", "1"), "classes that differ in spelling alone"));
  CHECK(read("calm", "wild").warnings.empty());
  CHECK(read("-1", "+1").warnings.empty());
}

TEST_CASE("dataset::read_manifest: labels that are numbers are classes in their order, from whatever number on",
          "[dataset][manifest]") {
  const Folder folder;
  const auto names = [&](const Names& labels) {
    const auto dataset = folder.read(folder.text("split,label", 24, [&](int i) {
      return split_of(i) + "," + labels[static_cast<std::size_t>(i / 4) % labels.size()];
    }));
    CHECK(dataset.target.kind == g2d::OutputKind::Classes);
    return dataset.target.names;
  };
  CHECK(names({"3", "1", "2"}) == Names{"1", "2", "3"});
  CHECK(names({"10.0", "2.0", "1.0"}) == Names{"1.0", "2.0", "10.0"});
  CHECK(names({"+1", "-1"}) == Names{"-1", "+1"});
  CHECK(names({"10", "9", "x"}) == Names{"10", "9", "x"});
}

TEST_CASE("dataset::read_manifest: a class too rare to be divided goes to training, named in a warning",
          "[dataset][manifest]") {
  const Folder folder;
  for (const int num_rare : {1, 2}) {
    INFO(num_rare);
    const auto label = [&](int i) { return i % 10 == 7 && i / 10 < num_rare ? "rare" : "common"; };
    const auto dataset = folder.read(folder.text("label", 30, label));
    CHECK(torch::bincount(dataset.splits.train.targets())[1].item<int>() == num_rare);
    CHECK(dataset.splits.validation.targets().max().item<int>() == 0);
    CHECK(dataset.splits.test.targets().max().item<int>() == 0);
    CHECK(warns(dataset, fmt::format("class \"rare\" has {} sample{}, too few to divide: all in training", num_rare,
                                     num_rare == 1 ? "" : "s")));
  }
  const auto three = folder.read(folder.text("label", 30, [](int i) { return i % 10 == 7 ? "rare" : "common"; }));
  CHECK(three.warnings.empty());
  for (const auto& split : {three.splits.train, three.splits.validation, three.splits.test})
    CHECK(split.targets().sum().item<int>() == 1);

  const auto named = folder.read(folder.text("split,label", 30, [](int i) {
    return (i < 20 ? "train," : "test,") + std::string(i == 7 ? "rare" : "common");
  }));
  CHECK(torch::bincount(named.splits.train.targets())[1].item<int>() == 1);
  CHECK(warns(named, "class \"rare\" has 1 sample, too few to divide: all in training"));
  CHECK_THAT(folder.error(folder.text("label", 6, [](int i) { return fmt::format("c{}", i); })),
             Contains("expected a class of at least 2 to divide, got none"));
}

TEST_CASE("dataset::read_manifest: rows of one group stay in one split", "[dataset][manifest]") {
  const Folder folder;
  const auto text = folder.text("label,group", 120, [](int i) {
    return fmt::format("{},{}", i % 2 == 0 ? "a" : "b",
                       i % 12 == 0 ? fmt::format("\"s{} \"", i / 12) : fmt::format("s{}", i / 12));
  });
  const auto groups = [](const g2d::data::Samples& samples) {
    std::set<int> found;
    for (const auto& name : names_of(samples)) found.insert(std::stoi(name) / 12);
    return found;
  };
  std::set<std::set<int>> tests;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto dataset = folder.read(text, {.seed = seed});
    const auto& [train, validation, test] = dataset.splits;
    const auto a = groups(train), b = groups(validation), c = groups(test);
    CHECK(a.size() + b.size() + c.size() == 10);
    CHECK(a.size() >= 7);
    CHECK((!b.empty() && !c.empty()));
    CHECK(train.size() + validation.size() + test.size() == 120);
    CHECK(torch::bincount(test.targets())[0].item<int>() * 2 == test.size());
    CHECK(dataset.warnings.empty());
    CHECK_THAT(dataset.description, Contains("groups: group"));
    tests.insert(c);
  }
  CHECK(tests.size() > 1);  // the seed decides

  const auto named = folder.text("split,label,speaker", 48, [](int i) {
    return fmt::format("{},{},s{}", i < 40 ? "train" : "test", i % 2 == 0 ? "a" : "b", i / 4);
  });
  const auto held_out = folder.read(named, {.group_column = "speaker"});
  std::set<int> trained, validated;
  for (const auto& name : names_of(held_out.splits.train)) trained.insert(std::stoi(name) / 4);
  for (const auto& name : names_of(held_out.splits.validation)) validated.insert(std::stoi(name) / 4);
  CHECK(trained.size() + validated.size() == 10);
}

TEST_CASE("dataset::read_manifest: groups that cannot be kept together are refused; rare ones go to training",
          "[dataset][manifest]") {
  const Folder folder;
  const auto crossing = folder.text("split,label,group", 12,
                                    [](int i) { return split_of(i) + ",a," + (i < 4 ? "s" : fmt::format("t{}", i)); });
  CHECK_THAT(folder.error(crossing),
             Contains("column \"group\": expected every group in one split, got \"s\" in validation here and in "
                      "training in line 2"));
  const auto empty =
      folder.text("label,group", 12, [](int i) { return std::string("a,") + (i == 3 ? "" : fmt::format("s{}", i)); });
  CHECK_THAT(folder.error(empty), Contains("line 5: column \"group\": expected a group, got nothing"));
  const auto one = folder.text("target:y,group", 12, [](int i) { return fmt::format("{},s", i); });
  CHECK_THAT(folder.error(one), Contains("expected at least 2 groups to divide, got 1"));
  CHECK_THAT(folder.error(one, {.group_column = "speaker"}), Contains("expected a column \"speaker\""));
  CHECK_THAT(folder.error(one, {.split_column = "fold"}), Contains("expected a column \"fold\""));
  // Class b is in two groups alone, which cannot be in three splits.
  const auto rare = folder.read(folder.text(
      "label,group", 60, [](int i) { return fmt::format("{},s{}", i < 12 && i % 2 == 0 ? "b" : "a", i / 6); }));
  CHECK(rare.splits.test.targets().max().item<int>() == 0);
  CHECK(torch::bincount(rare.splits.train.targets())[1].item<int>() == 6);
  CHECK(warns(rare, "class \"b\" has 2 groups, too few to divide: all in training"));
}

TEST_CASE("dataset::read_manifest: a test split that lacks a modality is read, and told", "[dataset][manifest]") {
  const Folder folder;
  write_npy(folder.path / "y.npy", torch::arange(3).to(at::kFloat));
  write_npy(folder.path / "steps.npy", torch::ones({5, 2}));
  const auto manifest = [&](const std::string& column, const std::string& file, const std::string& lacking) {
    return folder.text("split,label," + column, 16, [&](int i) {
      return split_of(i) + "," + (i / 4 % 2 == 0 ? "a" : "b") + "," + (split_of(i) == lacking ? "" : file);
    });
  };
  for (const auto& [column, file, sizes] : std::vector<std::tuple<std::string, std::string, std::vector<std::int64_t>>>{
           {"npy:y", "y.npy", {4, 3}}, {"sequence:y", "steps.npy", {4, 1, 2}}}) {
    INFO(column);
    const auto dataset = folder.read(manifest(column, file, "test"));
    CHECK(warns(dataset, "no test sample has the modality \"y\": tested on the others"));
    const auto test = g2d::data::load_in_memory(dataset.splits.test);
    CHECK(test.all().inputs[0].values.sizes() == sizes);
    CHECK(test.all().inputs[0].values.eq(0).all().item<bool>());
    CHECK_FALSE(test.all().present.select(1, 0).any().item<bool>());
    CHECK(test.all().present.select(1, 1).all().item<bool>());
  }
  CHECK_THAT(folder.error(manifest("npy:y", "y.npy", "train")),
             Contains("modality \"y\": expected at least one training sample that has it, got none"));
  CHECK_THAT(folder.error(manifest("npy:y", "y.npy", "val")),
             Contains("modality \"y\": expected at least one validation sample that has it, got none"));
}

TEST_CASE("dataset::read_manifest: complex numbers are refused, for their imaginary parts would be lost",
          "[dataset][manifest]") {
  const Folder folder;
  write_bytes(folder.path / "complex.npy",
              g2d_test::npy_bytes(g2d_test::npy_dict("<c8", {5, 2}), std::string(5 * 2 * 8, '\0')));
  for (const std::string column : {"npy:y", "sequence:y"}) {
    INFO(column);
    const auto manifest =
        folder.text("label," + column, 16, [](int i) { return i % 2 == 0 ? "a,complex.npy" : "b,complex.npy"; });
    const auto load = [&] { (void)g2d::data::load_in_memory(folder.read(manifest).splits.train); };
    CHECK_THAT(thrown<g2d::DataError>(load), Contains("expected real numbers, got ComplexFloat"));
  }
}

TEST_CASE("dataset::read_manifest: targets with a large offset keep their differences", "[dataset][manifest]") {
  const Folder folder;
  const auto dataset =
      folder.read(folder.text("target:epoch", 100, [](int i) { return std::to_string(1700000000 + i); }), {.seed = 1});
  const auto targets = dataset.splits.train.targets();
  REQUIRE(targets.scalar_type() == at::kDouble);
  const auto seconds = targets - 1.7e9;
  CHECK(seconds.diff(1, 0).ge(1).all().item<bool>());
  const auto task = g2d::task::Regression::standardized(targets);
  const auto seen = (seconds - seconds.mean()) / seconds.std(false);
  CHECK(task.options().deviation.item<double>() == Approx(seconds.std(false).item<double>()));
  CHECK(task.loss(seen.to(at::kFloat), targets).item<double>() < 1e-12);
  CHECK(task.loss(seen.to(at::kFloat), targets).scalar_type() == at::kFloat);
  CHECK(g2d::metrics::measure(task, seen.to(at::kFloat), targets)[0].value < 1e-4);  // RMSE in seconds
  CHECK(g2d::metrics::measure(task, torch::zeros_like(seen).to(at::kFloat), targets)[0].value ==
        Approx(seconds.std(false).item<double>()));
}

TEST_CASE("dataset::read_manifest: numbers with a plus sign are read", "[dataset][manifest]") {
  const Folder folder;
  const auto dataset = folder.read(folder.text("split,target:charge,table:t", 12, [](int i) {
    return fmt::format("{},{:+},{:+.1f}", split_of(i), i - 6, i * 0.5);
  }));
  CHECK(dataset.splits.test.targets().flatten().equal(torch::tensor({-3.0, 1.0, 5.0}, at::kDouble)));
}

TEST_CASE("dataset::read_manifest: files of float64 with a large offset are standardised before they are rounded",
          "[dataset][manifest]") {
  const Folder folder;
  std::vector<at::Tensor> all;
  for (int i = 0; i < 16; ++i) {
    const auto seconds = (torch::arange(3, at::kDouble) + 10 * i).unsqueeze(1);
    write_npy(folder.path / fmt::format("s{}.npy", i), seconds + 1.7e9);
    if (split_of(i) == "train") all.push_back(seconds);
  }
  std::string manifest = "id,split,label,sequence:s,npy:n\n";
  for (int i = 0; i < 16; ++i) manifest += fmt::format("{0},{1},a,s{0}.npy,s{0}.npy\n", i, split_of(i));
  const auto dataset = folder.read(manifest, {.sequence = {.standardizes = true}, .tensor = {.standardizes = true}});
  const auto seconds = torch::cat(all);
  const auto expected = ((all[0] - seconds.mean()) / seconds.std(false)).to(at::kFloat);
  for (const std::size_t m : {0U, 1U}) CHECK(torch::allclose(dataset.splits.train.read(0, m, 0), expected, 1e-6, 1e-6));
  CHECK(folder.read(manifest).splits.train.read(0, 0, 0).scalar_type() == at::kFloat);
}

TEST_CASE("dataset::read_manifest: classes without a training sample are told; splits may be in capitals",
          "[dataset][manifest]") {
  const Folder folder;
  const auto dataset = folder.read(folder.text("split,label", 16, [](int i) {
    const std::string split = split_of(i);
    return (i < 8              ? split
            : split == "train" ? "Train"
            : split == "val"   ? "\"VAL \""
                               : "TEST") +
           "," + (split == "train" ? "a" : "b");
  }));
  CHECK(dataset.splits.train.size() == 8);
  CHECK(dataset.splits.validation.size() == 4);
  CHECK(warns(dataset, "1 of 2 classes have no training sample: b"));
}

TEST_CASE("dataset::read_manifest: a csv sequence keeps its first step, or is refused where that may be its header",
          "[dataset][manifest]") {
  const Folder folder;
  const auto manifest = folder.text("split,label,sequence:walk", 8, [](int i) { return split_of(i) + ",a,walk.csv"; });
  const auto steps = [&](const std::string& csv) {
    write_bytes(folder.path / "walk.csv", csv);
    return folder.read(manifest).splits.train.read(0, 0, 0);
  };
  const auto expected = torch::tensor({{0.5F, -1.0F}, {2.0F, 3.0F}});
  for (const std::string first : {"", "a,b\n", "a,1\n", "\"0\",x\n", "a,a\n", ",b\n"}) {
    INFO(first);
    CHECK(torch::equal(steps(first + "0.5,-1\n2,3\n"), expected));
  }
  CHECK(torch::equal(steps("+0.5,-1e0\r\n2,3\r\n"), expected));
  CHECK(steps("1,1\n1,1\n").sizes() == at::IntArrayRef{2, 2});
  CHECK(steps("0.0\n0.1\n").sizes() == at::IntArrayRef{2, 1});
  CHECK(steps("0,2\n0,1\n").sizes() == at::IntArrayRef{2, 2});
  CHECK(steps("4,7\n5,6\n").sizes() == at::IntArrayRef{2, 2});
  CHECK(steps("7,4\n5.5,6\n").sizes() == at::IntArrayRef{2, 2});
  CHECK(steps("0.0,1.0\n5.5,6\n").sizes() == at::IntArrayRef{2, 2});
  for (const std::string first : {"0,1\n", ",0\n", "\"0\",\"1\"\n", "400,410\n", ",2019\n"}) {
    INFO(first);
    CHECK_THAT(thrown<DataError>([&] { (void)steps(first + "0.5,-1\n2,3\n"); }),
               Contains("walk.csv: line 1: expected names of columns or the numbers of a step, got whole numbers that "
                        "may be either; name the columns by words (x0, x1)"));
  }
  CHECK_THAT(thrown<DataError>([&] { (void)steps("0,1\n2,3\n"); }), Contains("numbers that may be either"));
  CHECK_THAT(thrown<DataError>([&] { (void)steps("nan,0.5\n2,3\n"); }), Contains("expected finite values"));
  CHECK_THAT(thrown<DataError>([&] { (void)steps("0.5,-1\n2,x\n"); }),
             Contains("expected a number or nothing, got \"x\""));
}

TEST_CASE("dataset::read_manifest: the named array of an .npz is read, whatever stands beside it",
          "[dataset][manifest]") {
  const Folder folder;
  const auto manifest = folder.text("split,label,sequence:walk", 8, [](int i) { return split_of(i) + ",a,walk.NPZ"; });
  const auto text = g2d_test::npy_bytes(g2d_test::npy_dict("<U3", {1}), std::string(12, 'x'));
  write_zip(folder.path / "walk.NPZ",
            {{"speaker.npy", text}, {"features.npy", g2d_test::npy_bytes(torch::ones({5, 3}))}}, false);
  const auto named = folder.read(manifest, {.sequence = {.member = "features"}});
  CHECK(named.splits.train.read(0, 0, 0).sizes() == at::IntArrayRef{5, 3});
  const auto unnamed = folder.read(manifest);
  CHECK_THAT(thrown<DataError>([&] { (void)unnamed.splits.train.read(0, 0, 0); }),
             Contains("expected one array, or SequenceFiles::member (--member) to name it, got [speaker, features]"));
  const auto wrong = folder.read(manifest, {.sequence = {.member = "feature"}});
  CHECK_THAT(thrown<DataError>([&] { (void)wrong.splits.train.read(0, 0, 0); }),
             Contains("expected an array \"feature\", got [speaker, features]"));
}

TEST_CASE("dataset::read_manifest: names that could not be written at the end are refused at once",
          "[dataset][manifest]") {
  const Folder folder;
  const auto named = [&](const std::string& column) {
    return folder.text("split,label," + column, 8, [](int i) { return split_of(i) + ",a,x.npy"; });
  };
  for (const std::string name : {"left/front", "..", "a.b", "a\\b", "\tb", "a\nb", "\x7F", ""}) {
    INFO(name);
    CHECK_THAT(thrown<ConfigError>([&] { (void)folder.read(named("\"npy:" + name + "\"")); }),
               Contains("g2d: ModalityNames: modality 0: expected a name in UTF-8 of 1 to 100 bytes"));
  }
  CHECK_THROWS_AS(folder.read(named("\"npy:a,b\"")), ConfigError);
  CHECK_THROWS_AS(folder.read(named("\"npy:a\"\"b\"")), ConfigError);
  CHECK_THROWS_AS(folder.read(named("npy:" + std::string(101, 'a'))), ConfigError);
  CHECK(folder.read(named("npy:caf\xC3\xA9 (left)")).splits.train.names()[0] == "caf\xC3\xA9 (left)");
  CHECK_THAT(
      folder.error(folder.text("split,label,category:shop", 8, [](int i) { return split_of(i) + ",a,Caf\xE9"; })),
      Contains("manifest.csv: line 2: expected UTF-8 text, got the byte 0xe9; save the file as UTF-8"));
  CHECK_THAT(folder.error(folder.text("split,label", 8, [](int i) { return split_of(i) + (i == 5 ? ",\xE9" : ",a"); })),
             Contains("manifest.csv: line 7: expected UTF-8 text"));
}

TEST_CASE("dataset::read_manifest: file names in capitals are found and read", "[dataset][manifest]") {
  const Folder folder;
  write_npy(folder.path / "S.NPY", torch::ones({5, 3}));
  write_bytes(folder.path / "S.CSV", "a,b\n1,2\n");
  write_bytes(folder.path / "MANIFEST.CSV", folder.text("split,label,sequence:s,sequence:c", 8,
                                                        [](int i) { return split_of(i) + ",a,S.NPY,S.CSV"; }));
  const auto dataset = read_manifest(folder.path.path());
  CHECK(dataset.splits.train.read(0, 0, 0).sizes() == at::IntArrayRef{5, 3});
  CHECK(dataset.splits.train.read(0, 1, 0).sizes() == at::IntArrayRef{1, 2});
  write_bytes(
      folder.path / "people.JSON",
      R"([{"id":1,"split":"train","label":"a","npy:x":"x.npy"},{"id":2,"split":"val","label":"a","npy:x":"x.npy"},)"
      R"({"id":3,"split":"test","label":" a","npy:x":"x.npy"}])");
  CHECK(read_manifest(folder.path / "people.JSON").target.names == Names{"a"});
}
