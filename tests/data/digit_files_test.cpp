// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "digit_files.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/dataset/digit_recordings.hpp>
#include <g2d/dataset/labelled_images.hpp>
#include <g2d/dataset/mnist.hpp>
#include <g2d/io/audio.hpp>
#include <g2d/io/idx.hpp>

#include "support/catch.hpp"
#include "support/thrown.hpp"

namespace {

using Catch::Matchers::Contains;
using g2d::DataError;
using g2d_test::big_endian;
using g2d_test::idx_bytes;
using g2d_test::read_bytes;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::tone;
using g2d_test::write_bytes;
using g2d_test::write_gzip;
using g2d_test::write_wav;

std::string idx_error(const std::filesystem::path& path, std::uint8_t rank = 3) {
  return thrown<DataError>([&] { (void)g2d::io::read_idx(path, rank); });
}

std::string wav_error(const std::filesystem::path& path) {
  return thrown<DataError>([&] { (void)g2d::io::read_audio(path); });
}

std::string recordings_error(const std::filesystem::path& path) {
  return thrown<DataError>([&] { (void)g2d::dataset::read_digit_recordings(path); });
}

std::string mnist_error(const std::filesystem::path& path) {
  return thrown<DataError>([&] { (void)g2d::dataset::read_mnist(path); });
}

/// `bytes` cut off after every possible length, as a file; `error` must name the file each time.
template <class Error>
void check_every_truncation(const std::filesystem::path& path, const std::string& bytes, const Error& error) {
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    write_bytes(path, bytes.substr(0, length));
    const auto text = error(path);
    CAPTURE(length, text);
    REQUIRE(text.find(path.string() + ": expected ") != std::string::npos);
  }
}

}  // namespace

TEST_CASE("io::read_idx: a plain and a gzip file give the bytes in the announced shape", "[data-files][idx]") {
  const TemporaryFolder folder;
  const auto bytes = idx_bytes({2, 1, 3}, {1, 2, 3, 4, 5, static_cast<char>(255)});
  write_bytes(folder / "plain", bytes);
  write_gzip(folder / "packed", bytes);
  const auto expected = torch::tensor({1, 2, 3, 4, 5, 255}, torch::kByte).view({2, 1, 3});
  CHECK(torch::equal(g2d::io::read_idx(folder / "plain", 3), expected));
  CHECK(torch::equal(g2d::io::read_idx(folder / "packed", 3), expected));
}

TEST_CASE("io::read_idx: a file larger than one read is read whole", "[data-files][idx]") {
  const TemporaryFolder folder;
  const std::uint32_t rows = 3000;
  std::string values(std::size_t{rows} * 1000, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<char>(i % 251);
  write_gzip(folder / "packed", idx_bytes({rows, 1000}, values));
  const auto expected = torch::arange(std::int64_t{rows} * 1000).remainder(251).to(torch::kByte).view({rows, 1000});
  CHECK(torch::equal(g2d::io::read_idx(folder / "packed", 2), expected));
}

TEST_CASE("io::read_idx: a file that was cut off anywhere is refused by name", "[data-files][idx]") {
  const TemporaryFolder folder;
  std::string values;
  for (int i = 0; i < 60; ++i) values += static_cast<char>(i * i % 256);
  const auto bytes = idx_bytes({3, 4, 5}, values);
  const auto error = [](const auto& path) { return idx_error(path); };
  check_every_truncation(folder / "plain", bytes, error);

  write_gzip(folder / "packed", bytes);
  check_every_truncation(folder / "cut", read_bytes(folder / "packed"), error);
}

TEST_CASE("io::read_idx: sizes that the file cannot hold are refused before memory is asked for", "[data-files][idx]") {
  const TemporaryFolder folder;
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  for (const auto& sizes :
       {std::vector<std::uint32_t>{most, most, most}, {60000, 28, 28}, {1, 1, most}, {most, 0, most}}) {
    const auto bytes = idx_bytes(sizes, "0123456789");
    write_bytes(folder / "plain", bytes);
    write_gzip(folder / "packed", bytes);
    CHECK_THAT(idx_error(folder / "plain"),
               Contains("expected no more values than the file can hold, at most 26, got sizes"));
    CHECK_THAT(idx_error(folder / "packed"), Contains("expected no more values than the file can hold, at most "));
  }
}

TEST_CASE("io::read_idx: says what is wrong with a file that is no IDX file of the wanted kind", "[data-files][idx]") {
  const TemporaryFolder folder;
  const auto path = folder / "file";
  const auto error_of = [&](const std::string& bytes) {
    write_bytes(path, bytes);
    return idx_error(path, 1);
  };
  CHECK(error_of("hello, world") ==
        fmt::format(
            "g2d: io::read_idx: {}: expected an IDX file of unsigned bytes with 1 dimensions, starting with 00 00 08 "
            "01, got 68 65 6c 6c",
            path.string()));
  CHECK_THAT(error_of(idx_bytes({1, 1, 1}, "x")), Contains("starting with 00 00 08 01, got 00 00 08 03"));
  CHECK_THAT(error_of(std::string{0, 0, 0x0D, 1} + big_endian(1) + "1234"), Contains("got 00 00 0d 01"));
  CHECK_THAT(error_of(""), Contains("expected 4 more bytes, got the end of the file; it is truncated"));
  CHECK_THAT(error_of(idx_bytes({0}, "")), Contains("expected at least one value, got sizes [0]"));
  CHECK_THAT(error_of(idx_bytes({3}, "1234")),
             Contains("expected the end of the file after the announced values, got more"));
  CHECK_THAT(idx_error(folder / "absent"), Contains("absent: expected a readable file, got No such file"));
  CHECK_THAT(idx_error(folder.path()), Contains("expected a readable file, got Is a directory"));
}

TEST_CASE("io::read_idx: a damaged gzip file is refused", "[data-files][idx]") {
  const TemporaryFolder folder;
  write_gzip(folder / "packed", idx_bytes({26}, "abcdefghijklmnopqrstuvwxyz"));
  auto bytes = read_bytes(folder / "packed");
  bytes[bytes.size() - 6] = static_cast<char>(bytes[bytes.size() - 6] ^ 1);  // in the checksum
  write_bytes(folder / "packed", bytes);
  CHECK_THAT(idx_error(folder / "packed", 1), Contains("expected readable data, got "));
  CHECK_THAT(idx_error(folder / "packed", 1), Contains("incorrect data check"));
}

TEST_CASE("dataset::read_labelled_images: images are scaled to 0 … 1 and joined with their labels",
          "[data-files][mnist]") {
  const TemporaryFolder folder;
  g2d_test::write_images(folder.path(), "train", 12);
  g2d_test::write_images(folder.path(), "t10k", 3);
  const auto mnist = g2d::dataset::read_mnist(folder.path());
  CHECK(mnist.train.images.sizes() == at::IntArrayRef{12, 1, 28, 28});
  CHECK(mnist.train.images.scalar_type() == torch::kFloat);
  CHECK(torch::allclose(mnist.train.images.amax({1, 2, 3}), torch::arange(12) / 255.0));
  CHECK(torch::equal(mnist.train.labels, torch::arange(12).remainder(10)));
  CHECK(mnist.test.labels.size(0) == 3);
}

TEST_CASE("dataset::read_mnist: missing, mismatched and unlikely files are refused by name", "[data-files][mnist]") {
  const TemporaryFolder folder;
  g2d_test::write_images(folder.path(), "train", 4);
  CHECK(mnist_error(folder.path()) == fmt::format("g2d: dataset::read_mnist: {}: expected a file "
                                                  "t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz, got neither",
                                                  folder.path().string()));
  g2d_test::write_images(folder.path(), "t10k", 4);
  CHECK(mnist_error(folder.path()) == "nothing was thrown");

  write_bytes(folder / "t10k-labels-idx1-ubyte", idx_bytes({3}, {0, 1, 2}));
  CHECK_THAT(mnist_error(folder.path()), Contains("t10k-labels-idx1-ubyte: expected 4 labels, one for each image in "));
  write_bytes(folder / "t10k-labels-idx1-ubyte", idx_bytes({4}, {0, 1, 10, 2}));
  CHECK_THAT(mnist_error(folder.path()), Contains("t10k-labels-idx1-ubyte: expected labels from 0 to 9, got 10"));
  std::filesystem::remove(folder / "t10k-labels-idx1-ubyte");
  write_bytes(folder / "t10k-images-idx3-ubyte", idx_bytes({4, 3, 2}, std::string(24, 'x')));
  CHECK_THAT(mnist_error(folder.path()),
             Contains("t10k-images-idx3-ubyte: expected images of 28 x 28 pixels, got 3 x 2"));
}

TEST_CASE("io::read_audio: samples and rate come back; several channels are averaged", "[data-files][wav]") {
  const TemporaryFolder folder;
  const auto samples = tone(440, 20000);
  write_wav(folder / "mono.wav", samples);
  const auto mono = g2d::io::read_audio(folder / "mono.wav");
  CHECK(mono.sample_rate == 8000);
  CHECK(torch::allclose(mono.samples, torch::tensor(samples), 0, 1.0 / 32768));

  write_wav(folder / "stereo.wav", {0.5F, -0.5F, 1.0F, 0.0F, 0.25F, 0.75F},
            {.sample_rate = 16000, .channels = 2, .subtype = SF_FORMAT_FLOAT});
  const auto stereo = g2d::io::read_audio(folder / "stereo.wav");
  CHECK(stereo.sample_rate == 16000);
  CHECK(torch::equal(stereo.samples, torch::tensor({0.0F, 0.5F, 0.5F})));
}

TEST_CASE("io::read_audio: a file that was cut off anywhere is refused by name", "[data-files][wav]") {
  const TemporaryFolder folder;
  write_wav(folder / "whole.wav", tone(440, 60));
  check_every_truncation(folder / "cut.wav", read_bytes(folder / "whole.wav"), wav_error);
}

TEST_CASE("io::read_audio: a file written into a pipe, of unannounced length, is read", "[data-files][wav]") {
  const TemporaryFolder folder;
  write_wav(folder / "piped.wav", tone(440, 60));
  auto bytes = read_bytes(folder / "piped.wav");
  bytes.replace(4, 4, "\xFF\xFF\xFF\xFF");
  bytes.replace(40, 4, "\xFF\xFF\xFF\xFF");
  write_bytes(folder / "piped.wav", bytes);
  CHECK(g2d::io::read_audio(folder / "piped.wav").samples.size(0) == 60);
}

TEST_CASE("io::read_audio: says what is wrong with a file that is no recording", "[data-files][wav]") {
  const TemporaryFolder folder;
  write_bytes(folder / "text.wav", "hello, world");
  CHECK_THAT(wav_error(folder / "text.wav"), Contains("text.wav: expected an audio file, got "));
  write_wav(folder / "empty.wav", {});
  CHECK_THAT(wav_error(folder / "empty.wav"), Contains("empty.wav: expected at least one sample, got none"));
  write_wav(folder / "nan.wav", {0.0F, std::numeric_limits<float>::quiet_NaN()}, {.subtype = SF_FORMAT_FLOAT});
  CHECK_THAT(wav_error(folder / "nan.wav"), Contains("nan.wav: expected finite samples, got infinity or NaN"));
  CHECK_THAT(wav_error(folder / "absent.wav"), Contains("absent.wav: no such file"));
}

TEST_CASE("dataset::read_digit_recordings: names are parsed, in the order of the files", "[data-files][recordings]") {
  const TemporaryFolder folder;
  const std::string name = GENERATE("", "fsdd", "recordings");
  std::filesystem::create_directories(folder / name);
  write_wav(folder / name / "7_anna_maria_12.wav", tone(100, 30));
  write_wav(folder / name / "0_theo_3.wav", tone(100, 20));
  write_bytes(folder / name / "README", "not a recording");
  write_bytes(folder / name / "._0_theo_3.wav", "left by another system");
  const auto recordings = g2d::dataset::read_digit_recordings(folder.path());
  CHECK(torch::equal(recordings.labels, torch::tensor({0, 7})));
  CHECK(torch::equal(recordings.indices, torch::tensor({3, 12})));
  CHECK(recordings.speakers == std::vector<std::string>{"theo", "anna_maria"});
  REQUIRE(recordings.waveforms.size() == 2);
  CHECK(recordings.waveforms[0].size(0) == 20);
  CHECK(recordings.waveforms[1].size(0) == 30);
}

TEST_CASE("dataset::read_digit_recordings: an empty or absent folder says what was expected",
          "[data-files][recordings]") {
  const TemporaryFolder folder;
  CHECK(recordings_error(folder.path()) ==
        fmt::format(
            "g2d: dataset::read_digit_recordings: {}: expected files {{digit}}_{{speaker}}_{{index}}.wav there, in "
            "recordings/ or in fsdd/, got none",
            folder.path().string()));
  CHECK_THAT(recordings_error(folder / "absent"), Contains("absent: expected a readable folder, got No such file"));
}

TEST_CASE("dataset::read_digit_recordings: a file with another name, rate or content is refused by name",
          "[data-files][recordings]") {
  const TemporaryFolder folder;
  write_wav(folder / "3_theo_0.wav", tone(100, 20));
  SECTION("name") {
    const std::string name = GENERATE("noise.wav", "3_theo.wav", "10_theo_1.wav", "-1_theo_1.wav", "x_theo_1.wav",
                                      "3_theo_one.wav", "3__1.wav", "3_theo_.wav", "3_theo_-1.wav", "_theo_1.wav");
    write_wav(folder / name, tone(100, 20));
    CHECK(recordings_error(folder.path()) ==
          fmt::format(
              "g2d: dataset::read_digit_recordings: {}: expected a name {{digit}}_{{speaker}}_{{index}}.wav such as "
              "7_jackson_12.wav, got {}",
              folder.path().string(), name));
  }
  SECTION("sample rate") {
    write_wav(folder / "4_theo_0.wav", tone(100, 20), {.sample_rate = 16000});
    CHECK_THAT(recordings_error(folder.path()),
               Contains("4_theo_0.wav: expected 8000 samples a second, got 16000; resample the file first"));
  }
  SECTION("content") {
    write_bytes(folder / "4_theo_0.wav", "hello, world");
    CHECK_THAT(recordings_error(folder.path()), Contains("4_theo_0.wav: expected an audio file, got "));
  }
}
