// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
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
  CHECK_THROWS_AS(save_weights(net, folder / "w.onnx"), g2d::ConfigError);
  CHECK_THROWS_WITH(save_weights(net, folder / "w.onnx"),
                    Contains("w.onnx: expected a name that ends in .safetensors, .pt, .pth, .pth.tar or .bin"));
}

TEST_CASE("io: weights: a file's content says its form, whatever its name; endings mean the same in capitals",
          "[io][weights]") {
  const TemporaryFolder folder;
  const Mlp saved({.in_features = 3});
  const auto check = [&](const std::string& from, const std::string& name) {
    INFO(name);
    std::filesystem::copy_file(folder / from, folder / name);
    Mlp loaded({.in_features = 3});
    CHECK(load_weights(loaded, folder / name).matches());
    CHECK(same(state_of(loaded), state_of(saved)));
  };
  for (const std::string name : {"a.PT", "a.Pth", "a.pth.tar", "a.BIN", "a.SafeTensors"})
    save_weights(saved, folder / name);
  for (const std::string name : {"b.tar", "pytorch_model.bin", "checkpoint", "b.ckpt", "b.safetensors"})
    check("a.PT", name);
  for (const std::string name : {"c.bin", "c.pt", "model"}) check("a.SafeTensors", name);
  CHECK(g2d_test::read_bytes(folder / "a.SafeTensors").at(8) == '{');
  CHECK(g2d_test::read_bytes(folder / "a.pth.tar").substr(0, 2) == "PK");
  g2d_test::write_bytes(folder / "notes.bin", "no weights");
  Mlp net({.in_features = 3});
  CHECK_THROWS_WITH(load_weights(net, folder / "notes.bin"), Contains("expected a file of torch.save"));
}

TEST_CASE("io: weights: a norm layer whose counter the file lacks keeps its own, and nothing else may be missing",
          "[io][weights]") {
  const TemporaryFolder folder;
  SmallCnn saved;
  saved.forward(torch::randn({4, 1, 16, 16}));
  const auto write_without = [&](const std::string& part) {
    Tensors state;
    for (const auto& item : state_of(saved)) {
      if (item.key().find(part) == std::string::npos) state.insert(item.key(), item.value());
    }
    save_weights(state, folder / "w.pt");
  };
  write_without("num_batches_tracked");
  SmallCnn loaded;
  state_of(loaded)["bn1.num_batches_tracked"].fill_(7);
  const auto report = load_weights(loaded, folder / "w.pt");
  CHECK(report.matches());
  CHECK(state_of(loaded)["bn1.num_batches_tracked"].item<std::int64_t>() == 7);
  CHECK(same(state_of(loaded)["bn1.running_mean"], state_of(saved)["bn1.running_mean"]));
  write_without("running_mean");
  CHECK_THROWS_WITH(load_weights(loaded, folder / "w.pt"), Contains("missing (bn1.running_mean, "));
  write_without("bn1.");
  CHECK_THROWS_WITH(load_weights(loaded, folder / "w.pt"), Contains("5 missing (bn1.weight, "));
}

TEST_CASE("io: weights: what is not asked for may be of any dtype; complex values are not read as real ones",
          "[io][weights]") {
  const TemporaryFolder folder;
  const std::string header = R"({"encoder.fc.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                             R"("tokens":{"dtype":"F4","shape":[8],"data_offsets":[4,8]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  g2d_test::write_bytes(folder / "w.safetensors", bytes + header + std::string(8, '\0'));
  Tensors model;
  model.insert("fc.weight", torch::ones({1}));
  CHECK_THROWS_WITH(load_weights(model, folder / "w.safetensors"), Contains("tensor \"tokens\": dtype F4"));
  CHECK(load_weights(model, folder / "w.safetensors", {.prefix = "encoder."}).matches());
  CHECK(model["fc.weight"].item<double>() == 0);

  Tensors complex;
  complex.insert("fc.weight", torch::ones({1}, at::kComplexFloat));
  save_weights(complex, folder / "complex.pt");
  CHECK_THROWS_WITH(load_weights(model, folder / "complex.pt"), Contains("fc.weight ComplexFloat for Float"));
}

TEST_CASE("io: weights: what is negated or conjugated lazily is written with its sign", "[io][weights]") {
  const TemporaryFolder folder;
  const auto x = torch::tensor({1.0F, -2.0F, 3.0F});
  const auto complex = torch::complex(x, x);
  Tensors lazy;
  lazy.insert("neg", at::_neg_view(x));
  lazy.insert("part", at::_neg_view(torch::stack({x, x}))[1]);
  lazy.insert("imag", torch::imag(complex.conj()));
  lazy.insert("strided", torch::imag(complex.conj()).slice(0, 0, 3, 2));
  lazy.insert("conj", complex.conj());
  for (const std::string name : {"w.safetensors", "w.pt"}) {
    INFO(name);
    save_weights(lazy, folder / name);
    const auto read = g2d::io::read_tensors(folder / name);
    CHECK(same(read["neg"], -x));
    CHECK(same(read["part"], -x));
    CHECK(same(read["imag"], -x));
    CHECK(same(read["strided"], torch::tensor({-1.0F, -3.0F})));
    CHECK(same(read["conj"], torch::complex(x, -x)));
  }
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

TEST_CASE("load_weights: weights and statistics that are not finite are refused, a model's own infinities are not",
          "[io]") {
  const TemporaryFolder folder;
  for (const double value : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    torch::nn::BatchNorm1d broken(3), model(3);
    const torch::NoGradGuard no_grad;
    broken->running_var[1] = value;
    save_weights(*broken, folder.path() / "broken.safetensors");
    CHECK_THROWS_WITH(load_weights(*model, folder.path() / "broken.safetensors"),
                      Contains("running_var") && Contains("infinite or no number"));
    CHECK(model->running_var.isfinite().all().item<bool>());
    model->running_var.fill_(value);
    CHECK_NOTHROW(load_weights(*model, folder.path() / "broken.safetensors"));
  }
}
