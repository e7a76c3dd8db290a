// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/encoder/small_cnn.hpp>
#include <g2d/io/weights.hpp>
#include "io/support.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using g2d::encoder::Mlp;
using g2d::encoder::ResNet18;
using g2d::encoder::SmallCnn;
using g2d::io::load_weights;
using g2d::io::save_weights;
using g2d::io::state_of;
using g2d::io::Tensors;
using g2d_test::same;
using g2d_test::TemporaryFolder;

Tensors copy(const Tensors& tensors) {
  Tensors copies;
  for (const auto& item : tensors) copies.insert(item.key(), item.value().detach().clone());
  return copies;
}

}  // namespace

TEST_CASE("io: weights: a module's state comes back, buffers included", "[io][weights]") {
  const TemporaryFolder folder;
  torch::manual_seed(1);
  for (const std::string name : {"w.safetensors", "w.pt", "w.pth"}) {
    INFO(name);
    SmallCnn saved;
    saved.forward(torch::randn({4, 1, 16, 16}));
    save_weights(saved, folder / name);
    SmallCnn loaded;
    CHECK(load_weights(loaded, folder / name).matches());
    CHECK(same(state_of(loaded), state_of(saved)));
    for (const auto& parameter : loaded.parameters()) CHECK((parameter.requires_grad() && parameter.is_leaf()));
  }
}

TEST_CASE("io: weights: the state has the names and the order of Python's state_dict", "[io][weights]") {
  CHECK(state_of(SmallCnn({.channels = {4}, .feature_width = 2})).keys() ==
        std::vector<std::string>{"conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
                                 "bn1.num_batches_tracked", "fc.weight", "fc.bias"});
  CHECK(state_of(ResNet18()).size() == 120);
}

TEST_CASE("io: weights: values are converted to the model's dtype", "[io][weights]") {
  const TemporaryFolder folder;
  Mlp saved({.in_features = 3, .feature_width = 2});
  saved.to(at::kDouble);
  save_weights(saved, folder / "w.safetensors");
  Mlp loaded({.in_features = 3, .feature_width = 2});
  load_weights(loaded, folder / "w.safetensors");
  CHECK(same(loaded.parameters()[0], saved.parameters()[0].to(at::kFloat)));
}

TEST_CASE("io: weights: a prefix chooses one encoder of a student's file", "[io][weights]") {
  const TemporaryFolder folder;
  const Mlp saved({.in_features = 3});
  auto student = copy(state_of(SmallCnn()));
  save_weights(saved, folder / "w.pt", "audio.");
  for (const auto& item : g2d::io::read_tensors(folder / "w.pt")) student.insert(item.key(), item.value());
  save_weights(student, folder / "student.pt");

  Mlp loaded({.in_features = 3});
  CHECK(load_weights(loaded, folder / "student.pt", {.prefix = "audio."}).matches());
  CHECK(same(state_of(loaded), state_of(saved)));
}

TEST_CASE("io: weights: ignored names are neither loaded nor asked for", "[io][weights]") {
  const TemporaryFolder folder;
  const Mlp saved({.in_features = 3, .hidden = {4}});
  save_weights(saved, folder / "w.pt");
  Mlp loaded({.in_features = 5, .hidden = {4}});
  const auto before = copy(state_of(loaded));
  CHECK(load_weights(loaded, folder / "w.pt", {.ignored = {"fc1."}}).matches());
  const auto after = state_of(loaded);
  CHECK(same(after["fc1.weight"], before["fc1.weight"]));
  CHECK(same(after["fc1.bias"], before["fc1.bias"]));
  CHECK(same(after["fc2.weight"], state_of(saved)["fc2.weight"]));
}

TEST_CASE("io: weights: names and shapes that do not agree are listed and nothing is changed", "[io][weights]") {
  const TemporaryFolder folder;
  save_weights(Mlp({.in_features = 3, .hidden = {4, 4, 4}}), folder / "w.safetensors");
  Mlp loaded({.in_features = 5, .hidden = {4}});
  torch::nn::Module model;
  model.register_module("fc1", loaded.named_children()["fc1"]);
  model.register_parameter("extra", torch::zeros({1}));
  const auto before = copy(state_of(model));
  CHECK_THROWS_AS(load_weights(model, folder / "w.safetensors"), g2d::DataError);
  CHECK_THROWS_WITH(
      load_weights(model, folder / "w.safetensors"),
      Contains("g2d: io::load_weights: ") &&
          Contains("w.safetensors: expected the tensors of the model, got 1 missing (extra), 6 unexpected (") &&
          Contains(", ...), 1 of another shape (fc1.weight [4, 3] for [4, 5])"));
  CHECK_THROWS_WITH(load_weights(model, folder / "w.safetensors", {.strict = false}), Contains("1 of another shape"));
  CHECK(same(state_of(model), before));

  const auto report = load_weights(model, folder / "w.safetensors", {.strict = false, .ignored = {"fc1.weight"}});
  CHECK(report.missing == std::vector<std::string>{"extra"});
  CHECK(report.unexpected.size() == 6);
  CHECK(report.mismatched.empty());
  CHECK_FALSE(same(state_of(model)["fc1.bias"], before["fc1.bias"]));
}

TEST_CASE("io: weights: a file that cannot be read changes nothing", "[io][weights]") {
  const TemporaryFolder folder;
  Mlp net({.in_features = 3});
  const auto before = copy(state_of(net));
  save_weights(net, folder / "w.pt");
  const auto bytes = g2d_test::read_bytes(folder / "w.pt");
  g2d_test::write_bytes(folder / "cut.pt", bytes.substr(0, bytes.size() / 2));
  CHECK_THROWS_AS(load_weights(net, folder / "cut.pt"), g2d::DataError);
  CHECK_THROWS_AS(load_weights(net, folder / "absent.safetensors"), g2d::DataError);
  CHECK(same(state_of(net), before));
  CHECK_THROWS_AS(load_weights(net, folder / "w.onnx"), g2d::ConfigError);
  CHECK_THROWS_WITH(save_weights(net, folder / "w.onnx"),
                    Contains("w.onnx: expected a name that ends in .safetensors, .pt or .pth"));
}

TEST_CASE("io: weights: a ResNet-18 of Python's gives the same features here, and one of ours there",
          "[io][weights][python]") {
  const TemporaryFolder folder;
  torch::set_num_threads(1);
  std::vector<std::string> endings;
  if (g2d_test::run_python("has torch")) endings.emplace_back("pt");
  if (g2d_test::run_python("has safetensors")) endings.emplace_back("safetensors");
  if (endings.empty()) WARN("skipped: G2D_PYTHON names no Python with torch");
  const at::NoGradGuard no_grad;
  for (const auto& ending : endings) {
    INFO(ending);
    const auto weights = folder / ("theirs." + ending);
    REQUIRE(g2d_test::run_python("write_resnet " + weights.string() + " " + (folder / "theirs_case.pt").string()));
    ResNet18 theirs({.in_channels = 3});
    CHECK_THROWS_WITH(load_weights(theirs, weights), Contains("2 unexpected (fc."));
    CHECK(load_weights(theirs, weights, {.ignored = {"fc."}}).matches());
    theirs.eval();
    const auto expected = g2d::io::read_pt(folder / "theirs_case.pt");
    CHECK(torch::allclose(theirs.forward(expected["input"]), expected["features"], 1e-5, 1e-5));

    torch::manual_seed(6);
    ResNet18 ours;
    ours.forward(torch::randn({8, 1, 48, 48}));
    ours.eval();
    Tensors data;
    data.insert("input", torch::randn({2, 1, 48, 48}));
    data.insert("features", ours.forward(data["input"]));
    save_weights(ours, folder / ("ours." + ending));
    g2d::io::write_pt(data, folder / "ours_case.pt");
    CHECK(g2d_test::run_python("check_resnet " + (folder / ("ours." + ending)).string() + " " +
                               (folder / "ours_case.pt").string()));
  }
}
