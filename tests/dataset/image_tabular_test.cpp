// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/dataset/houses.hpp>
#include <g2d/dataset/manifest.hpp>
#include <g2d/dataset/mis_me.hpp>

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
using g2d::dataset::HousesOptions;
using g2d::dataset::ManifestOptions;
using g2d::dataset::MisMeOptions;
using g2d::dataset::MissingFiles;
using g2d::dataset::read_houses;
using g2d::dataset::read_manifest;
using g2d::dataset::read_mis_me;
using g2d_test::check_loader;
using g2d_test::names_of;
using g2d_test::picture;
using g2d_test::sine;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_bytes;
using g2d_test::write_jpeg;
using g2d_test::write_npy;
using g2d_test::write_npz;
using g2d_test::write_wav;
using Names = std::vector<std::string>;

/// The values of a table modality, [N, D].
at::Tensor table_of(const g2d::data::Samples& samples, std::size_t m) {
  std::vector<at::Tensor> rows;
  for (std::int64_t row = 0; row < samples.size(); ++row) rows.push_back(samples.read(row, m, 0));
  return torch::stack(rows);
}

bool is_standardised(const at::Tensor& column) {
  return std::abs(column.mean().item<double>()) < 1e-5 && std::abs(column.std(false).item<double>() - 1) < 1e-5;
}

constexpr const char* soil_header = "image,vwc,air_temperature,wind_speed,soil";

/// A few photographs in the layout of the release: one of them grey, one file name in quotes, cells left empty.
struct SoilTree {
  SoilTree() {
    std::filesystem::create_directory(folder / "images");
    for (int i = 0; i < 10; ++i) {
      write_jpeg(folder / fmt::format("images/OK001_{}.jpg", i),
                 i == 3 ? picture(20, 24).narrow(0, 0, 1) : picture(20, 24 + i));
    }
  }

  static std::string line(int i) {
    return fmt::format("{},{},{},{},{}\n", i == 2 ? "\"OK001_2.jpg\"" : fmt::format("OK001_{}.jpg", i), 0.1 + 0.01 * i,
                       i % 4 == 1 ? std::string() : fmt::to_string(i), 5 - i * i,
                       i % 3 == 0   ? "\"clay, wet\""
                       : i % 3 == 1 ? "sand"
                                    : "loam");
  }

  std::string list(int begin, int end) const {
    std::string text = std::string(soil_header) + "\n";
    for (int i = begin; i < end; ++i) text += line(i);
    return text;
  }

  void write_lists() const {
    write_bytes(folder / "combined_only_train_set.csv", list(0, 6));
    write_bytes(folder / "combined_only_val_set.csv", list(6, 8));
    write_bytes(folder / "combined_only_test_set.csv", list(8, 10));
  }

  [[nodiscard]] g2d::dataset::Dataset read() const { return read_mis_me(folder.path(), options); }
  [[nodiscard]] std::string error() const {
    return thrown<DataError>([&] { (void)read(); });
  }

  TemporaryFolder folder;
  MisMeOptions options{
      .number_columns = {"air_temperature", "wind_speed"}, .category_columns = {"soil"}, .image_size = 16};
};

/// 20 houses of 16 x 12 pixels, as the public download names them; the last one has a zip code of its own.
struct HousesTree {
  HousesTree() {
    std::string info;
    for (int house = 1; house <= 20; ++house) {
      for (const auto* room : {"bathroom", "bedroom", "frontal", "kitchen"}) {
        const auto image = picture(16, 12);
        write_jpeg(folder / fmt::format("{}_{}.jpg", house, room), house == 2 ? image.narrow(0, 0, 1) : image);
      }
      info += fmt::format("{} {} {} {} {}\n", house % 5 + 1, 1 + 0.5 * (house % 3), 1000 + 37 * house,
                          house == 20      ? "00501"
                          : house % 2 == 0 ? "85266"
                                           : "92880",
                          100000 + 1000 * house);
    }
    write_bytes(folder / "HousesInfo.txt", info);
  }

  [[nodiscard]] std::string error(const HousesOptions& options = {}) const {
    return thrown<DataError>([&] { (void)read_houses(folder.path(), options); });
  }

  TemporaryFolder folder;
};

/// Photographs, recordings (one stereo, one at another rate), sequences in three formats, arrays, numbers and texts.
struct ManifestTree {
  ManifestTree() {
    torch::manual_seed(2);
    std::string text = "id,split,label,image:front,audio:mic,sequence:words,npy:gaze,table:age,category:site,note\n";
    for (int i = 0; i < 12; ++i) {
      write_jpeg(folder / fmt::format("{}.jpg", i), picture(20, 30));
      const auto sound = sine(200 + 10 * i, i == 5 ? 900 : 1600, 8000);
      write_wav(folder / fmt::format("{}.wav", i), i == 4 ? torch::stack({sound, sound}) : sound, i == 6 ? 4000 : 8000);
      const auto steps = torch::randn({i % 3 + 2, 3}) * 5 + 20;
      const auto* ending = i % 3 == 0 ? "npy" : i % 3 == 1 ? "npz" : "csv";
      const auto path = folder / fmt::format("{}.{}", i, ending);
      if (i % 3 == 0) write_npy(path, steps);
      if (i % 3 == 1) write_npz(path, {{"words", steps}});
      if (i % 3 == 2) {
        std::string csv = "a,b,c\n";
        for (std::int64_t t = 0; t < steps.size(0); ++t) {
          csv += fmt::format("{},{},{}\n", steps[t][0].item<float>(), steps[t][1].item<float>(),
                             steps[t][2].item<float>());
        }
        write_bytes(path, csv);
      }
      write_npy(folder / fmt::format("gaze{}.npy", i), torch::arange(i, i + 4, at::kLong));
      text += fmt::format("s{},{},{},{}.jpg,{},{}.{},gaze{}.npy,{},{},free text\n", i,
                          i < 8    ? "train"
                          : i < 10 ? "val"
                                   : "test",
                          i % 2 == 0 ? "dog" : "cat", i, i == 1 ? "" : fmt::format("{}.wav", i), i, ending, i,
                          20 + i * i, i < 6 ? "north" : "south");
    }
    write_bytes(folder / "manifest.csv", text);
  }

  [[nodiscard]] static ManifestOptions small() {
    return {.image = {.size = 16},
            .audio = {.sample_rate = 8000, .seconds = 0.15, .spectrogram = {.n_fft = 64, .hop = 32}},
            .sequence = {.standardizes = true},
            .tensor = {.standardizes = true}};
  }

  /// The message about a manifest of one image a row, whose other columns are those given.
  [[nodiscard]] std::string error(const std::string& text, const ManifestOptions& options = {}) const {
    write_bytes(folder / "bad.csv", text);
    return thrown<DataError>([&] { (void)read_manifest(folder / "bad.csv", options); });
  }

  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("dataset::read_mis_me, read_houses, read_manifest: same batches streamed and in memory", "[dataset]") {
  SoilTree soil;
  soil.write_lists();
  check_loader([&] { return soil.read(); });
  soil.options.augments = true;
  check_loader([&] { return soil.read(); });
  const HousesTree houses;
  check_loader([&] { return read_houses(houses.folder.path(), {.image_size = 8}); });
  check_loader([&] {
    return read_houses(houses.folder.path(), {.modalities = {"frontal", "table"}, .image_size = 8, .augments = true});
  });
  const ManifestTree manifest;
  auto options = ManifestTree::small();
  check_loader([&] { return read_manifest(manifest.folder.path(), options); });
  options.augments = true;
  check_loader([&] { return read_manifest(manifest.folder.path(), options); });
}

TEST_CASE("dataset::read_mis_me: the release's lists as CSV give photograph, weather and soil moisture",
          "[dataset][mis_me]") {
  SoilTree soil;
  soil.write_lists();
  const auto dataset = soil.read();
  CHECK(dataset.target.kind == OutputKind::Values);
  CHECK(dataset.target.names == Names{"vwc"});
  CHECK(dataset.target.unit == "m3/m3");
  CHECK(dataset.splits.train.names().joined() == "image, weather");
  CHECK(names_of(dataset.splits.test) == Names{"OK001_8.jpg", "OK001_9.jpg"});
  CHECK(torch::allclose(dataset.splits.test.targets(), torch::tensor({0.18, 0.19}, at::kFloat).view({2, 1})));
  CHECK(dataset.splits.train.is_deterministic());

  const auto raw = g2d::io::read_image(soil.folder / "images/OK001_8.jpg");
  const auto small = g2d::transform::Resize{16, 16}(raw).to(at::kFloat) / 255;
  const auto expected = (small[2] - 0.307) / 0.170;
  CHECK(torch::allclose(dataset.splits.test.read(0, 0, 0)[2], expected, 1e-5, 1e-5));
}

TEST_CASE("dataset::read_mis_me: missing numbers get the training median; categories of the training rows get a column",
          "[dataset][mis_me]") {
  SoilTree soil;
  soil.write_lists();
  const auto dataset = soil.read();
  const auto train = table_of(dataset.splits.train, 1);  // temperatures 0, -, 2, 3, 4, -: median 2.5
  REQUIRE(train.sizes() == at::IntArrayRef{6, 5});
  CHECK(is_standardised(train.select(1, 0)));
  CHECK(is_standardised(train.select(1, 1)));
  const auto filled = torch::tensor({0.0, 2.5, 2.0, 3.0, 4.0, 2.5});
  CHECK(torch::allclose(train.select(1, 0), ((filled - filled.mean()) / filled.std(false)).to(at::kFloat), 1e-5, 1e-6));
  const auto kinds = torch::tensor({{1, 0, 0}, {0, 0, 1}, {0, 1, 0}}, at::kFloat).repeat({2, 1});  // clay, loam, sand
  CHECK(torch::equal(train.narrow(1, 2, 3), kinds));
  CHECK_THAT(dataset.description, Contains("[soil] one hot 9:clay, wet 4:loam 4:sand"));

  write_bytes(soil.folder / "combined_only_test_set.csv", std::string(soil_header) + "\nOK001_8.jpg,0.2,,1,gravel\n");
  const auto unknown = soil.read().splits.test.read(0, 1, 0);
  CHECK(unknown.narrow(0, 2, 3).abs().sum().item<double>() == 0);
}

TEST_CASE(
    "dataset::read_mis_me: one table, divided by its column or at random, and a list for validation that is missing",
    "[dataset][mis_me]") {
  SoilTree soil;
  write_bytes(soil.folder / "labels.csv", soil.list(0, 10));
  const auto at_random = soil.read();
  CHECK(at_random.splits.train.size() == 6);
  CHECK(at_random.splits.validation.size() == 2);
  CHECK(at_random.splits.test.size() == 2);
  soil.options.seed = 1;
  CHECK_FALSE(torch::equal(soil.read().splits.test.sample_ids(), at_random.splits.test.sample_ids()));
  check_loader([&] { return soil.read(); });

  std::string text = std::string(soil_header) + ",split\n";
  for (int i = 0; i < 10; ++i) {
    auto line = SoilTree::line(i);
    line.insert(line.size() - 1, i < 5 ? ",train" : i < 7 ? ",test" : ",dev");
    text += line;
  }
  write_bytes(soil.folder / "labels.csv", text);
  CHECK(names_of(soil.read().splits.validation) == Names{"OK001_7.jpg", "OK001_8.jpg", "OK001_9.jpg"});

  std::filesystem::remove(soil.folder / "labels.csv");
  soil.write_lists();
  std::filesystem::remove(soil.folder / "combined_only_val_set.csv");
  soil.options.validation_fraction = 0.5;
  const auto held_out = soil.read();
  CHECK(held_out.splits.train.size() == 3);
  CHECK(held_out.splits.validation.size() == 3);
  CHECK(held_out.splits.test.size() == 2);
}

TEST_CASE("dataset::read_mis_me: every fault of the lists and the photographs is named", "[dataset][mis_me]") {
  SoilTree soil;
  CHECK_THAT(
      soil.error(),
      Contains("combined_only_train_set.csv: expected this file in a folder of images/*.jpg and labels.csv, or"));
  CHECK_THAT(thrown<DataError>([&] { (void)read_mis_me(soil.folder / "none"); }),
             Contains("none: expected a folder of images/*.jpg"));
  const auto error = [&](const std::string& line) {
    soil.write_lists();
    write_bytes(soil.folder / "combined_only_test_set.csv", std::string(soil_header) + "\n" + line + "\n");
    return soil.error();
  };
  CHECK_THAT(error("OK001_8.jpg,,1,2,sand"),
             Contains("combined_only_test_set.csv: line 2: column \"vwc\": expected a number, got nothing"));
  CHECK_THAT(error("OK001_8.jpg,wet,1,2,sand"),
             Contains("line 2: column \"vwc\": expected a number or nothing, got \"wet\""));
  CHECK_THAT(error("OK001_8.jpg,0.1,warm,2,sand"),
             Contains("column \"air_temperature\": expected a number or nothing, got \"warm\""));
  CHECK_THAT(error("OK001_0.jpg,0.1,1,2,sand"),
             Contains("test_set.csv: line 2: expected every id once, got \"OK001_0.jpg\" again, which stands in") &&
                 Contains("train_set.csv: line 2"));
  CHECK_THAT(error("../secret.jpg,0.1,1,2,sand"),
             Contains("line 2: expected a path inside") && Contains("got \"../secret.jpg\""));
  CHECK_THAT(error("/etc/passwd,0.1,1,2,sand"), Contains("line 2: expected a path inside"));
  CHECK_THAT(error("gone.jpg,0.1,1,2,sand"), Contains("1 of 1 samples lack files: gone.jpg ("));
  write_bytes(soil.folder / "combined_only_test_set.csv", std::string(soil_header) + "\n");
  CHECK_THAT(soil.error(), Contains("combined_only_test_set.csv: expected at least one row, got none"));
  soil.options.number_columns = {"air_temprature"};
  CHECK_THAT(soil.error(), Contains("expected at least one row"));
  soil.write_lists();
  CHECK_THAT(soil.error(),
             Contains("expected a column \"air_temprature\"") && Contains("the nearest is \"air_temperature\""));
  soil.options.number_columns = {};
  soil.options.category_columns = {};
  CHECK_THAT(soil.error(), Contains("expected a column of numbers, or of texts that training rows share, got none"));
  soil.options.number_columns = {"wind_speed"};
  soil.options.image_size = 0;
  CHECK_THAT(thrown<ConfigError>([&] { (void)soil.read(); }), Contains("expected image_size >= 1, got 0"));
}

TEST_CASE(
    "dataset::read_mis_me: samples without photograph are dropped on demand; an unreadable one is named when it is due",
    "[dataset][mis_me]") {
  SoilTree soil;
  soil.write_lists();
  std::filesystem::remove(soil.folder / "images/OK001_1.jpg");
  write_bytes(soil.folder / "images/OK001_9.jpg", "no photograph");
  CHECK_THAT(soil.error(), Contains("1 of 6 samples lack files: OK001_1.jpg ("));
  soil.options.missing_files = MissingFiles::Drop;
  const auto dataset = soil.read();
  CHECK(dataset.splits.train.size() == 5);
  REQUIRE(dataset.warnings.size() == 1);
  CHECK_THAT(dataset.warnings[0], Contains("OK001_1.jpg") && Contains("left out"));
  CHECK_THAT(
      thrown<DataError>([&] { (void)g2d::data::load_in_memory(dataset.splits.test); }),
      Contains("sample \"OK001_9.jpg\", modality \"image\"") && Contains("expected a JPEG or PNG, got another format"));
}

TEST_CASE("dataset::read_houses: prices in USD, photographs, and a table with a column for each frequent zip code",
          "[dataset][houses]") {
  const HousesTree tree;
  const auto dataset = read_houses(tree.folder.path(), {.image_size = 8, .min_zip_count = 3});
  CHECK(dataset.target.unit == "USD");
  CHECK(dataset.splits.train.names().joined() == "bathroom, bedroom, frontal, kitchen, table");
  CHECK(dataset.splits.train.size() == 12);
  CHECK(dataset.splits.validation.size() == 4);
  CHECK(dataset.splits.test.size() == 4);
  for (std::int64_t row = 0; row < 4; ++row) {
    const auto house = std::stoi(dataset.splits.test.sample_name(row));
    CHECK(dataset.splits.test.targets()[row][0].item<double>() == 100000 + 1000 * house);
  }
  CHECK(dataset.splits.train.read(0, 2, 0).sizes() == at::IntArrayRef{3, 8, 8});
  const auto table = table_of(dataset.splits.train, 4);
  CHECK(table.size(1) == 5);
  for (std::int64_t column = 0; column < 3; ++column) CHECK(is_standardised(table.select(1, column)));
  CHECK(table.narrow(1, 3, 2).sum(1).le(1).all().item<bool>());
  CHECK_THAT(dataset.description, Contains("[zip] one hot 5:85266 5:92880"));
  CHECK(read_houses(tree.folder.path(), {.min_zip_count = 100}).splits.train.read(0, 4, 0).size(0) == 3);

  const auto two = read_houses(tree.folder.path(), {.modalities = {"table", "kitchen"}});
  CHECK(two.splits.train.names().joined() == "table, kitchen");
  CHECK(two.splits.train.read(0, 1, 0).sizes() == at::IntArrayRef{3, 64, 64});
}

TEST_CASE("dataset::read_houses: what is missing or malformed is named", "[dataset][houses]") {
  const HousesTree tree;
  CHECK_THAT(thrown<DataError>([&] { (void)read_houses(tree.folder / "none"); }),
             Contains("none: expected a folder of <n>_bathroom.jpg"));
  for (const std::vector<std::string>& modalities : {Names{"table"}, Names{"table", "garden"}}) {
    CHECK_THAT(
        thrown<ConfigError>([&] { (void)read_houses(tree.folder.path(), {.modalities = modalities}); }),
        Contains("expected two to five of the modalities bathroom, bedroom, frontal, kitchen, table, got table"));
  }
  CHECK_THAT(thrown<ConfigError>([&] { (void)read_houses(tree.folder.path(), {.test_fraction = 0.8}); }),
             Contains("expected fractions of validation and test above 0 that leave some to train, got 0.2 and 0.8"));
  std::filesystem::remove(tree.folder / "7_kitchen.jpg");
  CHECK_THAT(tree.error(), Contains("1 of 20 samples lack files: 7 (") && Contains("7_kitchen.jpg"));
  CHECK(read_houses(tree.folder.path(), {.modalities = {"frontal", "table"}}).warnings.empty());
  const auto dropped = read_houses(tree.folder.path(), {.missing_files = MissingFiles::Drop});
  CHECK(dropped.splits.train.size() + dropped.splits.validation.size() + dropped.splits.test.size() == 19);
  CHECK(dropped.warnings.size() == 1);

  const auto with_line = [&](const std::string& line) {
    write_bytes(tree.folder / "HousesInfo.txt",
                "4 4 4053 85255 869500\n" + line + "\n3 4 3923 85266 889000\n5 5 4022 85262 910000\n");
    return tree.error({.modalities = {"frontal", "table"}});
  };
  CHECK_THAT(with_line("4 3 3343 36372"), Contains("HousesInfo.txt: line 2: expected 5 cells, got 4"));
  CHECK_THAT(with_line("4 3 large 36372 865200"),
             Contains("line 2: column \"area\": expected a number or nothing, got \"large\""));
  CHECK_THAT(with_line("4 3 3343 36372 NA"), Contains("HousesInfo.txt: line 2: expected a price, got nothing"));
  std::filesystem::remove(tree.folder / "HousesInfo.txt");
  CHECK_THAT(tree.error(), Contains("HousesInfo.txt: expected this file in a folder of <n>_bathroom.jpg"));
}

TEST_CASE("dataset::read_houses: the public download gives 535 houses", "[dataset][houses][data]") {
  const auto folder = std::filesystem::path(std::getenv("G2D_DATA")) / "houses";
  const auto dataset = read_houses(folder, {.image_size = 32});
  CHECK(dataset.warnings.empty());
  CHECK(dataset.splits.train.size() == 321);
  CHECK(dataset.splits.validation.size() == 107);
  CHECK(dataset.splits.test.size() == 107);
  const auto train = g2d::data::load_in_memory(dataset.splits.train);
  const auto batch = train.batch(torch::arange(321));
  CHECK(batch.inputs[0].values.sizes() == at::IntArrayRef{321, 3, 32, 32});
  CHECK(batch.inputs[4].values.size(1) > 8);
  CHECK(std::abs(batch.inputs[0].values.mean().item<double>()) < 1);
  CHECK(batch.target.min().item<double>() >= 22000);
  CHECK(batch.target.max().item<double>() <= 5858000);
}

TEST_CASE("dataset::read_manifest: the columns' prefixes say what the modalities are", "[dataset][manifest]") {
  const ManifestTree tree;
  const auto options = ManifestTree::small();
  const auto dataset = read_manifest(tree.folder.path(), options);
  const auto& [train, validation, test] = dataset.splits;
  CHECK(train.names().joined() == "front, mic, words, gaze, table");
  CHECK(dataset.target.names == Names{"cat", "dog"});
  CHECK(dataset.target.kind == OutputKind::Classes);
  CHECK(names_of(validation) == Names{"s8", "s9"});
  CHECK(torch::equal(test.targets(), torch::tensor({1, 0}, at::kLong)));
  CHECK(train.read(0, 0, 0).sizes() == at::IntArrayRef{3, 16, 16});
  CHECK(train.read(0, 1, 0).sizes() == at::IntArrayRef{1, 33, 1200 / 32 + 1});
  for (const std::int64_t row : {4, 5, 6})
    CHECK(train.read(row, 1, 0).sizes() == train.read(0, 1, 0).sizes());  // stereo, short, other rate
  CHECK(train.is_sequence(2));
  CHECK(train.read(1, 2, 0).sizes() == at::IntArrayRef{3, 3});
  CHECK(train.read(5, 2, 0).sizes() == at::IntArrayRef{4, 3});
  CHECK(train.read(0, 3, 0).scalar_type() == at::kFloat);
  CHECK(table_of(train, 4).size(1) == 3);
  CHECK_FALSE(train.has(1, 1));
  CHECK(train.has(1, 0));
  REQUIRE(dataset.warnings.size() == 1);
  CHECK_THAT(dataset.warnings[0], Contains("columns without a prefix are not used: note"));
  CHECK_THAT(dataset.description, Contains("manifest.csv; splits: split") && Contains("resize 16 x 16") &&
                                      Contains("[category:site] one hot 5:north 5:south"));

  std::vector<at::Tensor> steps;
  for (std::int64_t row = 0; row < 8; ++row) steps.push_back(train.read(row, 2, 0));
  const auto all = torch::cat(steps);
  for (std::int64_t feature = 0; feature < 3; ++feature) CHECK(is_standardised(all.select(1, feature)));
  auto raw = options;
  raw.sequence = {.max_length = 1};
  raw.tensor = {};
  const auto plain = read_manifest(tree.folder.path(), raw);
  CHECK(torch::equal(plain.splits.train.read(0, 3, 0), torch::arange(4).to(at::kFloat)));
  CHECK(plain.splits.train.read(0, 2, 0).sizes() == at::IntArrayRef{1, 3});
  CHECK(plain.splits.train.fingerprint() != train.fingerprint());
}

TEST_CASE("dataset::read_manifest: JSON, numbers to predict, modalities by option, splits at random",
          "[dataset][manifest]") {
  const ManifestTree tree;
  std::string json = "[";
  for (int i = 0; i < 10; ++i) {
    json +=
        fmt::format("{}{{\"sample\": {}, \"picture\": \"{}.jpg\", \"arrays\": {}, \"weight\": {}, \"height\": 1.5}}",
                    i == 0 ? "" : ",\n", i, i, i == 3 ? "null" : fmt::format("\"many{}.npz\"", i), 60 + i);
    write_npz(tree.folder / fmt::format("many{}.npz", i),
              {{"first", torch::ones({2})}, {"second", torch::full({i + 1}, i, at::kInt)}});
  }
  write_bytes(tree.folder / "people.json", json + "]");
  ManifestOptions options{.modalities = {{"face", g2d::dataset::ImageFiles{.column = "picture", .size = 8}},
                                         {"curve", g2d::dataset::SequenceFiles{.column = "arrays", .member = "second"}},
                                         {"body", g2d::dataset::TableColumns{.numbers = {"weight"}}}},
                          .id_column = "sample",
                          .target_columns = {"height", "weight"},
                          .target_unit = "m, kg",
                          .validation_fraction = 0.2,
                          .test_fraction = 0.3};
  const auto dataset = read_manifest(tree.folder / "people.json", options);
  CHECK(dataset.name == "people");
  CHECK(dataset.target.kind == OutputKind::Values);
  CHECK(dataset.target.names == Names{"height", "weight"});
  CHECK(dataset.splits.train.size() == 5);
  CHECK(dataset.splits.test.size() == 3);
  CHECK(dataset.splits.train.names().joined() == "face, curve, body");
  const auto id = std::stoi(dataset.splits.test.sample_name(0));
  CHECK(dataset.splits.test.targets()[0][1].item<double>() == 60 + id);
  check_loader([&] { return read_manifest(tree.folder / "people.json", options); });

  options.modalities[1] = {"curve", g2d::dataset::SequenceFiles{.column = "arrays"}};
  const auto ambiguous = read_manifest(tree.folder / "people.json", options);
  CHECK_THAT(thrown<DataError>([&] { (void)g2d::data::load_in_memory(ambiguous.splits.test); }),
             Contains("expected one array, or SequenceFiles::member (--member) to name it, got [first, second]"));
  options.modalities[1] = {"curve", g2d::dataset::SequenceFiles{.column = "picture"}};
  const auto no_sequence = read_manifest(tree.folder / "people.json", options);
  CHECK_THAT(thrown<DataError>([&] { (void)g2d::data::load_in_memory(no_sequence.splits.test); }),
             Contains(".jpg: expected a sequence in .npy, .npz or .csv, got another ending"));
}

TEST_CASE(
    "dataset::read_manifest: integer labels are sorted as numbers; targets by prefix; validation held out by class",
    "[dataset][manifest]") {
  const ManifestTree tree;
  std::string classes = "id,split,label,image:x\n";
  std::string values = "id,target:y,image:x\n";
  for (int i = 0; i < 12; ++i) {
    classes += fmt::format("{},{},{},{}.jpg\n", i, i < 10 ? "train" : "test", i % 2 == 0 ? 10 : 9, i);
    values += fmt::format("{},{},{}.jpg\n", i, i, i);
  }
  write_bytes(tree.folder / "classes.csv", classes);
  const auto by_class = read_manifest(tree.folder / "classes.csv", {.validation_fraction = 0.4});
  CHECK(by_class.target.names == Names{"9", "10"});
  CHECK(torch::equal(by_class.splits.validation.targets().bincount(), torch::tensor({2, 2}, at::kLong)));
  CHECK(by_class.splits.test.size() == 2);
  CHECK(read_manifest(tree.folder / "classes.csv", {.class_names = {"10", "9"}})
            .splits.test.targets()[0]
            .item<std::int64_t>() == 0);
  write_bytes(tree.folder / "values.csv", values);
  CHECK(read_manifest(tree.folder / "values.csv").target.names == Names{"target:y"});
}

TEST_CASE("dataset::read_manifest: every fault is named with file, line and value", "[dataset][manifest]") {
  const ManifestTree tree;
  const std::string header = "id,split,label,image:x\n";
  const std::string rest = "b,test,dog,1.jpg\nc,val,dog,2.jpg\n";
  const auto with = [&](const std::string& line) { return tree.error(header + line + "\n" + rest); };
  CHECK_THAT(
      with("a,trian,cat,0.jpg"),
      Contains("bad.csv: line 2: column \"split\": expected train, validation (val, dev) or test, got \"trian\""));
  CHECK_THAT(with("a,train,,0.jpg"), Contains("bad.csv: line 2: column \"label\": expected a label, got nothing"));
  CHECK_THAT(with("b,train,cat,0.jpg"),
             Contains("bad.csv: line 3: expected every id once, got \"b\" again") && Contains("bad.csv: line 2"));
  CHECK_THAT(with(",train,cat,0.jpg"), Contains("bad.csv: line 2: expected an id, got nothing"));
  CHECK_THAT(with("a,train,cat,"), Contains("bad.csv: line 2: expected a path for at least one modality, got none"));
  CHECK_THAT(with("a,train,cat,gone.jpg"), Contains("1 of 3 samples lack files: a ("));
  for (const auto* path : {"../0.jpg", "/etc/passwd", "x/../../0.jpg"}) {
    CHECK_THAT(with(fmt::format("a,train,cat,{}", path)),
               Contains("bad.csv: line 2: expected a path inside") && Contains(fmt::format("got \"{}\"", path)));
  }
  CHECK_THAT(with("a,test,cat,0.jpg"), Contains("column \"split\": expected rows for train and test, got 0 and 2"));
  CHECK_THAT(tree.error(header + "a,train,fish,0.jpg\n" + rest, {.class_names = {"cat", "dog"}}),
             Contains("line 2: expected one of the labels cat, dog, got \"fish\""));
  CHECK_THAT(tree.error(header), Contains("bad.csv: expected at least one sample, got none"));
  CHECK_THAT(tree.error("id,label,imgae:x\na,b,0.jpg\n"),
             Contains("column \"imgae:x\": expected one of the prefixes image, audio") &&
                 Contains("the nearest is \"image\""));
  CHECK_THAT(tree.error("id,label,x\na,b,0.jpg\n"),
             Contains("expected columns such as image:<name>, got [id, label, x]"));
  CHECK_THAT(tree.error("id,image:x\na,0.jpg\n"), Contains("expected a column \"label\""));
  CHECK_THAT(tree.error("label,image:x\na,0.jpg\n"), Contains("expected a column \"id\""));
  CHECK_THAT(tree.error("id,label,target:y,image:x\na,b,1,0.jpg\n"),
             Contains("expected a column \"label\" or columns \"target:...\", got both"));
  CHECK_THAT(tree.error("id,target:y,image:x\na,,0.jpg\n"),
             Contains("line 2: column \"target:y\": expected a number, got nothing"));
  CHECK_THAT(
      tree.error("id,split,target:y,image:x,audio:z\na,train,1,0.jpg,\nb,val,1,1.jpg,1.wav\nc,test,1,2.jpg,2.wav\n"),
      Contains("modality \"z\": expected at least one training sample that has it, got none"));
  CHECK_THAT(thrown<DataError>([&] { (void)read_manifest(tree.folder / "none"); }),
             Contains("none: expected a manifest or a folder that holds one, manifest.csv or manifest.json"));
  const TemporaryFolder empty;
  CHECK_THAT(thrown<DataError>([&] { (void)read_manifest(empty.path()); }),
             Contains("manifest.csv: expected this file in a folder of manifest.csv or manifest.json"));
}

TEST_CASE("dataset::read_manifest: settings out of range, sequences that differ in width, symbolic links",
          "[dataset][manifest]") {
  const ManifestTree tree;
  const auto config_error = [&](const ManifestOptions& options) {
    return thrown<ConfigError>([&] { (void)read_manifest(tree.folder.path(), options); });
  };
  auto options = ManifestTree::small();
  options.audio.seconds = 0;
  CHECK_THAT(config_error(options),
             Contains("modality \"mic\": expected sample_rate and seconds above 0, got 8000 and 0"));
  options = ManifestTree::small();
  options.sequence.max_length = 0;
  CHECK_THAT(config_error(options), Contains("modality \"words\": expected max_length >= 1, got 0"));

  write_npy(tree.folder / "3.npy", torch::ones({2, 4}));
  CHECK_THAT(thrown<DataError>([&] { (void)read_manifest(tree.folder.path(), ManifestTree::small()); }),
             Contains("sample \"s3\": expected 3 features as in the samples before, got 4"));
  write_npy(tree.folder / "3.npy", torch::ones({2, 2, 2}));
  CHECK_THAT(thrown<DataError>([&] { (void)read_manifest(tree.folder.path(), ManifestTree::small()); }),
             Contains("sample \"s3\", modality \"words\"") &&
                 Contains("expected a sequence [T, D] of at least one step, got [2, 2, 2]"));

  const TemporaryFolder linked;
  std::filesystem::create_directory_symlink(tree.folder.path(), linked / "elsewhere");
  write_bytes(linked / "manifest.csv",
              "id,split,label,image:x\na,train,p,elsewhere/0.jpg\nb,train,p,elsewhere/1.jpg\nc,val,p,elsewhere/"
              "2.jpg\nd,test,p,elsewhere/3.jpg\n");
  CHECK(read_manifest(linked.path(), {.image = {.size = 8}}).splits.test.read(0, 0, 0).sizes() ==
        at::IntArrayRef{3, 8, 8});
}
