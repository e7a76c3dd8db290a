// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <caffe2/serialize/inline_container.h>
#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <g2d/io/pt.hpp>
#include <g2d/teacher/aot_inductor.hpp>
#include <g2d/teacher/teacher_cache.hpp>

#include "support/temporary_folder.hpp"
#include "support/test_directory.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Task = g2d::task::Classification;
using g2d::TeacherCache;

constexpr std::int64_t width = 5;

/// A package without code.
void save_metadata(const std::filesystem::path& path, const std::string& metadata) {
  caffe2::serialize::PyTorchStreamWriter writer(path.string());
  writer.writeRecord("data/aotinductor/model/model.wrapper_metadata.json", metadata.data(), metadata.size());
  writer.writeRecord("archive_format", "pt2", 3);
  writer.writeEndOfFile();
}

g2d::Teacher read(const std::filesystem::path& path) {
  return g2d::read_aot_inductor_teacher(path, width, num_classes);
}

std::string where(const std::filesystem::path& path) {
  return "g2d: read_aot_inductor_teacher: " + path.string() + ": ";
}

std::string data_error(const std::filesystem::path& path) {
  return thrown<g2d::DataError>([&] { (void)read(path); });
}

std::string shape_error(const g2d::Teacher& teacher, const g2d::Input& input) {
  return thrown<g2d::ShapeError>([&] { (void)teacher(input); });
}

/// What Python's torch wrote, and what its models gave.
struct Files {
  TemporaryFolder folder;
  g2d::io::Tensors expected;
};

void check_values(const Files& files) {
  const auto teacher = read(files.folder / "audio.pt2");
  const auto& x = files.expected["x"];
  const auto check_rows = [&](const at::Tensor& values, const at::Tensor& rows) {
    const auto given = teacher(values);
    CHECK(torch::allclose(given.features, files.expected["features"].index_select(0, rows)));
    CHECK(torch::allclose(given.logits, files.expected["logits"].index_select(0, rows)));
  };
  for (const std::int64_t num_samples : {6, 1, 2, 13}) {
    INFO(num_samples << " samples");
    const auto rows = torch::arange(num_samples).remainder(x.size(0));
    check_rows(x.index_select(0, rows), rows);
    check_rows(x.index_select(0, rows).requires_grad_(), rows);
  }
  const auto rows = torch::arange(6);
  check_rows(x.t().contiguous().t(), rows);
  const auto padded = torch::constant_pad_nd(x, {0, 4});
  check_rows(padded.narrow(1, 0, input_width), rows);
  CHECK(teacher.options().dtype() == at::kDouble);
  CHECK(read(files.folder / "fixed.pt2").options().dtype() == at::kFloat);
  CHECK_NOTHROW(
      g2d::read_aot_inductor_teacher(files.folder / "audio.pt2", width, num_classes, at::Device(at::kCPU, 0)));
}

void check_sequences(const Files& files) {
  const auto teacher = read(files.folder / "fixed.pt2");
  const g2d::Input sequences(files.expected["sequences"], files.expected["lengths"]);
  CHECK(torch::allclose(teacher(sequences).features, files.expected["over_time"], 1e-5, 1e-6));
  CHECK(torch::equal(teacher(sequences, g2d::Precision::BFloat16).logits, teacher(sequences).logits));
}

void check_cache(const Files& files) {
  const auto path = files.folder / "audio.pt2";
  const auto samples = blobs(17, 0, 1, at::kDouble);  // The last of three batches has one sample.
  const auto& x = samples.all().inputs[0].values;
  const auto was_reused = [&] {
    const g2d::Teachers teachers(names(1), {read(path)});
    const auto cache =
        TeacherCache::precompute(teachers, samples, Task(), {.batch_size = 8, .file = files.folder / "teachers.cache"});
    CHECK(torch::allclose(cache.outputs(samples.all()).logits[0], teachers[0](x).logits));
    return cache.was_reused();
  };
  CHECK_FALSE(was_reused());
  CHECK(was_reused());
  const auto first = read(path).fingerprint();
  CHECK(read(path).fingerprint() == first);
  write_bytes(path, read_bytes(path) + "something else");
  CHECK(read(path).fingerprint() != first);
  CHECK_FALSE(was_reused());
}

void check_refusals(const Files& files) {
  const auto audio = files.folder / "audio.pt2";
  const auto fixed = files.folder / "fixed.pt2";
  const auto three = files.folder / "three.pt2";
  const std::string expected = "expected an input that the package was compiled for, got ";
  const std::string advice = "; torch.export fixes the dtype, and all sizes but those in dynamic_shapes";
  const auto x = torch::ones({6, input_width}, at::kDouble);
  const auto lengths = torch::ones({6}, at::kLong);
  const auto sequences = torch::ones({6, 4, width});
  CHECK(shape_error(read(audio), {x, lengths}) ==
        where(audio) + expected + "Double [6, 4] and Long [6] (expected inputs vector size to be 1, but got 2)" +
            advice);
  CHECK(shape_error(read(fixed), sequences) ==
        where(fixed) + expected + "Float [6, 4, 5] (expected inputs vector size to be 2, but got 1)" + advice);
  CHECK(shape_error(read(audio), torch::ones({6, 7}, at::kDouble)) ==
        where(audio) + expected +
            "Double [6, 7] (input_handles[0]: unmatched dim value at 1, expected: 4, but got: 7)" + advice);
  CHECK_THAT(shape_error(read(audio), x.to(at::kFloat)),
             StartsWith(where(audio) + expected + "Float [6, 4] (") && Contains("unmatched dtype"));
  CHECK_THAT(shape_error(read(audio), x.unsqueeze(2)), StartsWith(where(audio) + expected + "Double [6, 4, 1] ("));
  for (const std::int64_t num_samples : {1, 5, 600}) {
    const g2d::Input other_batch(torch::ones({num_samples, 4, width}), torch::ones({num_samples}, at::kLong));
    CHECK_THAT(shape_error(read(fixed), other_batch),
               StartsWith(where(fixed) + expected) && Contains("unmatched dim value at 0, expected: 6, but got: "));
  }
  const auto pictures = torch::ones({6, input_width, 1}, at::kDouble).transpose(1, 2);  // Strides as from channels-last
  CHECK(thrown<g2d::DataError>([&] { (void)read(three)(pictures); }) ==
        where(three) +
            "expected a forward that returns two tensors, (features, logits), got 3; wrap the model in one that does");
  CHECK(shape_error(g2d::read_aot_inductor_teacher(audio, 7, num_classes), x) ==
        where(audio) + "features: expected [6, 7], got [6, 5]");
  CHECK(shape_error(g2d::read_aot_inductor_teacher(audio, width, 4), x) ==
        where(audio) + "logits: expected [6, 4], got [6, 3]");
  CHECK(thrown<g2d::DataError>([&] { (void)g2d::read_aot_inductor_teacher(audio, width, num_classes, at::kCUDA); }) ==
        where(audio) +
            "expected a package compiled for cuda, got one for cpu; ask for cpu, or compile the model on cuda");
}

}  // namespace

TEST_CASE("read_aot_inductor_teacher: files that are no packages are refused by name", "[teacher][aot_inductor]") {
  const TemporaryFolder folder;
  CHECK(data_error(folder / "absent.pt2") == where(folder / "absent.pt2") + "expected a regular file, got none");
  CHECK(data_error(folder / ".") == where(folder / ".") + "expected a regular file, got none");
  const std::string advice = "; expected what Python's torch._inductor.aoti_compile_and_package writes";
  for (const std::string text : {"", "text"}) {
    write_bytes(folder / "text.pt2", text);
    CHECK(data_error(folder / "text.pt2") ==
          where(folder / "text.pt2") +
              "cannot be loaded onto cpu: Failed to initialize zip archive: not a ZIP archive" + advice);
  }
  g2d::io::Tensors weights;
  weights.insert("weight", torch::zeros({2}));
  g2d::io::write_pt(weights, folder / "weights.pt");
  CHECK(data_error(folder / "weights.pt") ==
        where(folder / "weights.pt") +
            "cannot be loaded onto cpu: Failed to find wrapper metadata for model 'model' in the zip archive" + advice);
}

TEST_CASE("read_aot_inductor_teacher: a package for another device is refused before its code is loaded",
          "[teacher][aot_inductor]") {
  const TemporaryFolder folder;
  save_metadata(folder / "cuda.pt2", R"({"AOTI_DEVICE_KEY": "cuda"})");
  CHECK(data_error(folder / "cuda.pt2") ==
        where(folder / "cuda.pt2") +
            "expected a package compiled for cpu, got one for cuda; ask for cuda, or compile the model on cpu");
}

TEST_CASE("read_aot_inductor_teacher: Python's own packages, with a dynamic and with a fixed batch",
          "[teacher][aot_inductor][python]") {
  const char* python = std::getenv("G2D_PYTHON");
  if (python == nullptr || *python == '\0') {
    WARN("skipped: G2D_PYTHON names no Python with torch");
    return;
  }
  Files files;
  const auto program = (test_directory() / "train/aot_inductor_files.py").string();
  REQUIRE(std::system(fmt::format("'{}' -W ignore '{}' '{}'", python, program, files.folder.path().string()).c_str()) ==
          0);
  files.expected = g2d::io::read_pt(files.folder / "expected.pt");
  check_values(files);
  check_sequences(files);
  check_refusals(files);
  check_cache(files);
}
