// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <g2d/io/pt.hpp>
#include <g2d/io/weights.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/teacher/torch_script.hpp>

#include "support/temporary_folder.hpp"
#include "support/test_directory.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using Task = g2d::task::Classification;
using g2d::TeacherCache;

constexpr std::int64_t width = 5;

/// A script of two modules with a buffer, a constant and dropout, and what it computes in evaluation mode.
struct Scripted {
  explicit Scripted(std::uint64_t seed, at::TensorOptions options = at::kFloat) {
    Random random(seed, options);
    weight = random.normal({input_width, width});
    shift = random.normal({width});
    head = random.normal({width, num_classes});
  }

  void save(const std::filesystem::path& path, const std::string& constant = "2.0") const {
    torch::jit::Module body("__torch__.Body");
    body.register_parameter("weight", weight, /*is_buffer=*/false);
    body.register_buffer("shift", shift);
    body.define("def forward(self, x):\n  return torch.tanh(torch.matmul(x, self.weight) + " + constant +
                " * self.shift)\n");
    torch::jit::Module whole("__torch__.Whole");
    whole.register_attribute("training", c10::BoolType::get(), true);
    whole.register_module("body", body);
    whole.register_parameter("head", head, /*is_buffer=*/false);
    whole.define(R"(
def forward(self, x):
  features = torch.dropout(self.body.forward(x), 0.5, self.training)
  return features, torch.matmul(features, self.head)
)");
    whole.save(path.string());
  }

  [[nodiscard]] g2d::Teacher::Output operator()(const at::Tensor& x) const {
    const auto features = at::tanh(at::matmul(x, weight) + 2.0 * shift);
    return {features, at::matmul(features, head)};
  }

  at::Tensor weight;
  at::Tensor shift;
  at::Tensor head;
};

void save_script(const std::filesystem::path& path, const std::string& forward) {
  torch::jit::Module module("__torch__.Script");
  module.define(forward);
  module.save(path.string());
}

g2d::Teacher read(const std::filesystem::path& path) {
  return g2d::read_torch_script_teacher(path, width, num_classes);
}

g2d::Teachers teachers_of(const std::filesystem::path& path) { return {names(1), {read(path)}}; }

}  // namespace

TEST_CASE("read_torch_script_teacher: gives what the script's operations give", "[teacher][torch_script]") {
  const TemporaryFolder folder;
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    const Scripted scripted(1, dtype);
    scripted.save(folder / "audio.ts");
    const auto teacher = read(folder / "audio.ts");
    CHECK(teacher.feature_width() == width);
    CHECK(teacher.num_outputs() == num_classes);
    CHECK(teacher.options().dtype() == dtype);
    for (const std::int64_t num_samples : {6, 6, 6, 1, 9}) {  // The first passes compile the script.
      const auto x = Random(2, dtype).normal({num_samples, input_width});
      const auto expected = scripted(x);
      const auto given = teacher(x.clone().requires_grad_());
      CHECK(torch::allclose(given.features, expected.features));
      CHECK(torch::allclose(given.logits, expected.logits));
      CHECK_FALSE(given.logits.requires_grad());
    }
  }
}

TEST_CASE("read_torch_script_teacher: is frozen, and stays in evaluation mode", "[teacher][torch_script]") {
  const TemporaryFolder folder;
  const Scripted scripted(1);
  scripted.save(folder / "audio.ts");
  const auto teacher = read(folder / "audio.ts");
  CHECK_FALSE(teacher.module()->is_training());
  for (const auto& parameter : teacher.module()->parameters()) CHECK_FALSE(parameter.requires_grad());
  const auto x = torch::ones({8, input_width});
  teacher.module()->train();
  CHECK(torch::allclose(teacher(x).logits, scripted(x).logits));

  teacher.module()->named_parameters()["head"].fill_(0.0);  // The script's own tensors, by Python's names
  CHECK(teacher(x).logits.abs().max().item<double>() == 0.0);
  CHECK(teacher.module()->named_parameters().keys() == std::vector<std::string>{"head", "body.weight"});
  CHECK(teacher.module()->named_buffers().contains("body.shift"));
}

TEST_CASE("read_torch_script_teacher: a cache file is kept for the same script, and replaced for another",
          "[teacher][cache][torch_script]") {
  const TemporaryFolder folder;
  const auto samples = blobs(20, 0, 1);
  const auto& x = samples.all().inputs[0].values;
  const auto was_reused = [&](const g2d::Teachers& teachers) {
    const auto cache =
        TeacherCache::precompute(teachers, samples, Task(), {.batch_size = 8, .file = folder / "teachers.cache"});
    const auto outputs = cache.outputs(samples.all());
    CHECK(torch::allclose(outputs.features[0], teachers[0](x).features));
    CHECK(torch::allclose(outputs.logits[0], teachers[0](x).logits));
    return cache.was_reused();
  };
  Scripted scripted(1);
  const auto path = folder / "audio.ts";
  scripted.save(path);
  CHECK_FALSE(was_reused(teachers_of(path)));
  CHECK(was_reused(teachers_of(path)));
  const auto first = read(path).fingerprint();

  scripted.head[0][0] += 1e-3;
  scripted.save(path);
  CHECK(read(path).fingerprint() != first);
  CHECK_FALSE(was_reused(teachers_of(path)));
  scripted.shift[0] += 1e-3;
  scripted.save(path);
  CHECK_FALSE(was_reused(teachers_of(path)));
  scripted.save(path, "-1.0");  // The same weights in other code
  CHECK_FALSE(was_reused(teachers_of(path)));
  CHECK(was_reused(teachers_of(path)));
}

TEST_CASE("read_torch_script_teacher: passes in bfloat16 keep the dtype", "[teacher][torch_script]") {
  const TemporaryFolder folder;
  const Scripted scripted(1);
  scripted.save(folder / "audio.ts");
  const auto teacher = read(folder / "audio.ts");
  const auto x = Random(2, at::kFloat).normal({6, input_width});
  for (int pass = 0; pass < 4; ++pass) {
    const auto exact = teacher(x).logits;
    const auto given = teacher(x, g2d::Precision::BFloat16).logits;
    CHECK(torch::allclose(exact, scripted(x).logits));
    CHECK(given.scalar_type() == at::kFloat);
    CHECK_FALSE(torch::allclose(given, exact, 1e-6, 1e-6));
    CHECK(torch::allclose(given, exact, 0.1, 0.1));
  }
}

TEST_CASE("read_torch_script_teacher: sequences come with their lengths", "[teacher][torch_script]") {
  const TemporaryFolder folder;
  const std::string body = "\n  features = x.sum(1)\n  return features, features[:, :3]\n";
  save_script(folder / "values.ts", "def forward(self, x):" + body);
  save_script(folder / "lengths.ts", "def forward(self, x, lengths):\n  x = x / lengths.view(-1, 1, 1)" + body);
  save_script(folder / "either.ts",
              "def forward(self, x, lengths: Optional[Tensor] = None, scale: float = 1.0):" + body);
  const auto x = torch::ones({2, 4, width});
  const g2d::Input sequences(x, torch::tensor({4, 2}));
  CHECK(torch::equal(read(folder / "lengths.ts")(sequences).features.select(1, 0), torch::tensor({1.0F, 2.0F})));
  CHECK_NOTHROW(read(folder / "either.ts")(sequences));
  CHECK_NOTHROW(read(folder / "either.ts")(x));
  const auto refusal = [&](const std::string& file, const g2d::Input& input) {
    return thrown<g2d::ShapeError>([&] { (void)read(folder / file)(input); });
  };
  const auto message = [&](const std::string& file, const std::string& takes, const std::string& got) {
    return "g2d: read_torch_script_teacher: " + (folder / file).string() +
           ": expected an input for forward(__torch__.Script self, " + takes + ") -> ((Tensor, Tensor)), got " + got;
  };
  CHECK(refusal("values.ts", sequences) == message("values.ts", "Tensor x", "values and lengths"));
  CHECK(refusal("lengths.ts", x) == message("lengths.ts", "Tensor x, Tensor lengths", "values without lengths"));
}

TEST_CASE("read_torch_script_teacher: files that cannot teach are refused by name", "[teacher][torch_script]") {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& file) {
    return thrown<g2d::DataError>([&] { (void)read(folder / file); });
  };
  const auto where = [&](const std::string& file) {
    return "g2d: read_torch_script_teacher: " + (folder / file).string() + ": ";
  };
  CHECK(refusal("absent.ts") == where("absent.ts") + "expected a regular file, got none");
  CHECK(refusal(".") == where(".") + "expected a regular file, got none");

  const std::string advice = "; expected what Python's torch.jit.script(model).save(path) writes";
  Scripted(1).save(folder / "whole.ts");
  const auto bytes = read_bytes(folder / "whole.ts");
  for (const auto& damage : {std::string(), std::string("text"), bytes.substr(0, bytes.size() / 2)}) {
    INFO(damage.size() << " bytes");
    write_bytes(folder / "damaged.ts", damage);
    CHECK_THAT(refusal("damaged.ts"),
               Contains(where("damaged.ts") + "cannot be loaded onto cpu: ") && Contains(advice));
  }
  g2d::io::Tensors weights;
  weights.insert("weight", torch::zeros({2}));
  g2d::io::write_pt(weights, folder / "weights.pt");
  CHECK(refusal("weights.pt") ==
        where("weights.pt") +
            "cannot be loaded onto cpu: PytorchStreamReader failed locating file constants.pkl: file not found" +
            advice);

  const auto got = [](const std::string& type) {
    return "expected a forward that returns two tensors, (features, logits), got " + type +
           "; wrap the model in one that does";
  };
  const auto refused_forward = [&](const std::string& forward) {
    save_script(folder / "other.ts", forward);
    return refusal("other.ts");
  };
  CHECK(refused_forward("def forward(self, x):\n  return x\n") == where("other.ts") + got("Tensor"));
  CHECK(refused_forward("def forward(self, x):\n  return x, x, x\n") ==
        where("other.ts") + got("(Tensor, Tensor, Tensor)"));
  CHECK(refused_forward("def forward(self, x):\n  return x, 1\n") == where("other.ts") + got("(Tensor, int)"));
  CHECK(refused_forward("def encode(self, x):\n  return x, x\n") ==
        where("other.ts") + "expected a module with a forward, got none");
}

TEST_CASE("read_torch_script_teacher: widths other than those asked for are refused by name",
          "[teacher][torch_script]") {
  const TemporaryFolder folder;
  Scripted(1).save(folder / "audio.ts");
  const auto refusal = [&](std::int64_t feature_width, std::int64_t num_outputs) {
    return thrown<g2d::ShapeError>([&] {
      (void)g2d::read_torch_script_teacher(folder / "audio.ts", feature_width,
                                           num_outputs)(torch::ones({2, input_width}));
    });
  };
  const auto where = "g2d: read_torch_script_teacher: " + (folder / "audio.ts").string();
  CHECK(refusal(7, num_classes) == where + ": features: expected [2, 7], got [2, 5]");
  CHECK(refusal(width, 4) == where + ": logits: expected [2, 4], got [2, 3]");
}

TEST_CASE("read_torch_script_teacher: Python's own files, scripted, traced and frozen",
          "[teacher][torch_script][python]") {
  const TemporaryFolder folder;
  const char* python = std::getenv("G2D_PYTHON");
  if (python == nullptr || *python == '\0') {
    WARN("skipped: G2D_PYTHON names no Python with torch");
    return;
  }
  const auto program = (test_directory() / "train/torch_script_files.py").string();
  REQUIRE(std::system(fmt::format("'{}' -W ignore '{}' '{}'", python, program, folder.path().string()).c_str()) == 0);
  const auto expected = g2d::io::read_pt(folder / "expected.pt");
  for (const auto* file : {"scripted.ts", "traced.ts", "frozen.ts"}) {
    INFO(file);
    const auto teacher = read(folder / file);
    const auto given = teacher(expected["x"]);
    CHECK(torch::allclose(given.features, expected["features"], 1e-5, 1e-6));
    CHECK(torch::allclose(given.logits, expected["logits"], 1e-5, 1e-6));
    if (file == std::string("frozen.ts")) continue;
    const auto state = g2d::io::state_of(*teacher.module());
    for (const auto* name : {"body.0.weight", "body.1.running_var", "body.1.num_batches_tracked", "head.bias"}) {
      CHECK(torch::equal(state[name], expected[name]));
    }
  }
}
