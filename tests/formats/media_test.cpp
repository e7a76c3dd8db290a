// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <torch/torch.h>

#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/io/audio.hpp>
#include <g2d/io/image.hpp>
#include <g2d/io/write_png.hpp>
#include <g2d/transform/resample.hpp>
#include "formats/golden_images.hpp"
#include "support/full_disk.hpp"
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using g2d::ConfigError;
using g2d::DataError;
using g2d::ShapeError;
using g2d::io::read_audio;
using g2d::io::read_image;
using g2d::io::Waveform;
using g2d::io::write_png;
using g2d::transform::resample;
using g2d_test::picture;
using g2d_test::read_bytes;
using g2d_test::sine;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_bytes;
using namespace std::string_literals;

std::string audio_error(const std::filesystem::path& path, const g2d::io::AudioOptions& options = {}) {
  return thrown<DataError>([&] { (void)read_audio(path, options); });
}

std::string image_error(const std::filesystem::path& path, const g2d::io::ImageOptions& options = {}) {
  return thrown<DataError>([&] { (void)read_image(path, options); });
}

std::string from_hexadecimal(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

at::Tensor expected_image(std::string_view digits, std::int64_t height, std::int64_t width) {
  auto bytes = from_hexadecimal(digits);
  const auto channels = static_cast<std::int64_t>(bytes.size()) / (height * width);
  return torch::from_blob(bytes.data(), {channels, height, width}, at::kByte).clone();
}

std::int64_t greatest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kLong) - b.to(at::kLong)).abs().max().item<std::int64_t>();
}

}  // namespace

TEST_CASE("io::read_audio: WAV, FLAC, OGG and AIFF give samples and rate", "[formats][audio]") {
  const TemporaryFolder folder;
  const auto samples = sine(440, 20000, 22050);
  const auto check = [&](const std::string& name, int format, double tolerance) {
    INFO(name);
    g2d_test::write_audio(folder / name, samples, 22050, format);
    const auto read = read_audio(folder / name);
    CHECK(read.sample_rate == 22050);
    REQUIRE(read.samples.sizes() == samples.sizes());
    CHECK(read.samples.scalar_type() == at::kFloat);
    CHECK(torch::allclose(read.samples.to(at::kDouble), samples, 0, tolerance));
  };
  check("16.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1.0 / 32768);
  check("24.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 1e-6);
  check("float.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 1e-7);
  check("mulaw.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, 0.02);
  check("big-endian.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16 | SF_ENDIAN_BIG, 1.0 / 32768);
  check("sound.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1.0 / 32768);
  check("sound.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 1.0 / 32768);
  check("sound.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 0.1);
  check("sound.misnamed", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1.0 / 32768);
}

TEST_CASE("io::read_audio: several channels are averaged", "[formats][audio]") {
  const TemporaryFolder folder;
  const auto channels = torch::tensor({{0.5F, 1.0F, 0.25F}, {-0.5F, 0.0F, 0.75F}});
  g2d_test::write_audio(folder / "stereo.wav", channels, 16000, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  CHECK(torch::equal(read_audio(folder / "stereo.wav").samples, torch::tensor({0.0F, 0.5F, 0.5F})));
}

TEST_CASE("io::read_audio: more channels than a block has room for are read", "[formats][audio]") {
  const TemporaryFolder folder;
  const auto channels = torch::full({200, 1000}, 0.25F);
  g2d_test::write_audio(folder / "many.wav", channels, 16000, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  CHECK(torch::equal(read_audio(folder / "many.wav").samples, torch::full({1000}, 0.25F)));
}

TEST_CASE("io::read_audio: a WAV file of unannounced length is read to its end", "[formats][audio]") {
  const TemporaryFolder folder;
  g2d_test::write_wav(folder / "piped.wav", sine(440, 60));
  auto bytes = read_bytes(folder / "piped.wav");
  bytes.replace(4, 4, "\xFF\xFF\xFF\xFF");
  bytes.replace(40, 4, "\xFF\xFF\xFF\xFF");
  write_bytes(folder / "piped.wav", bytes);
  CHECK(read_audio(folder / "piped.wav").samples.size(0) == 60);
}

TEST_CASE("io::read_audio: says what is wrong with a file that is no recording", "[formats][audio]") {
  const TemporaryFolder folder;
  write_bytes(folder / "text.wav", "hello, world");
  CHECK(audio_error(folder / "text.wav") ==
        fmt::format("g2d: io::read_audio: {}: expected an audio file, got Format not recognised.",
                    (folder / "text.wav").string()));
  g2d_test::write_wav(folder / "none.wav", torch::zeros({0}));
  CHECK_THAT(audio_error(folder / "none.wav"), Contains("none.wav: expected at least one sample, got none"));
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity());
  g2d_test::write_audio(folder / "nan.wav", torch::tensor({0.0F, bad}), 16000, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  CHECK_THAT(audio_error(folder / "nan.wav"), Contains("nan.wav: expected finite samples, got infinity or NaN"));
}

TEST_CASE("io::read_audio: a truncated file says so", "[formats][audio]") {
  const TemporaryFolder folder;
  const auto cut = [&](const std::string& name) {
    const auto bytes = read_bytes(folder / name);
    write_bytes(folder / name, bytes.substr(0, bytes.size() * 2 / 3));
    return audio_error(folder / name);
  };
  g2d_test::write_wav(folder / "a.wav", sine(440, 9000));
  CHECK_THAT(cut("a.wav"), Contains("a.wav: expected 18044 bytes as its header announces, got 12029; the file is"));
  g2d_test::write_audio(folder / "a.aiff", sine(440, 9000), 16000, SF_FORMAT_AIFF | SF_FORMAT_PCM_16);
  CHECK_THAT(cut("a.aiff"), Contains("bytes as its header announces, got 12036; the file is truncated"));
  g2d_test::write_flac(folder / "a.flac", sine(440, 9000));
  CHECK_THAT(cut("a.flac"), Contains("expected 9000 samples as it announces, got "));
  g2d_test::write_ogg(folder / "a.ogg", sine(440, 9000));
  CHECK_THAT(cut("a.ogg"), Contains("expected a last page that ends the Ogg stream, got none; the file is truncated"));
}

TEST_CASE("io::read_audio: a small file of endless silence is refused at the limit", "[formats][audio]") {
  const TemporaryFolder folder;
  g2d_test::write_flac(folder / "silence.flac", torch::zeros({2'000'000}));
  CHECK(std::filesystem::file_size(folder / "silence.flac") < 50'000);
  CHECK_THAT(audio_error(folder / "silence.flac", {.max_samples = 1'000'000}),
             Contains("silence.flac: expected at most 1000000 samples, got more; raise AudioOptions::max_samples"));
  CHECK(read_audio(folder / "silence.flac", {.max_samples = 2'000'000}).samples.size(0) == 2'000'000);
}

TEST_CASE("transform::resample: a sine comes out as the same sine at the other rate", "[formats][resample]") {
  const auto [from, to] = GENERATE(std::pair(44100, 16000), std::pair(48000, 16000), std::pair(16000, 22050),
                                   std::pair(8000, 44100), std::pair(22050, 8000), std::pair(16000, 16001));
  CAPTURE(from, to);
  const std::int64_t length = from + 17;
  const auto output = resample({sine(440, length, from).to(at::kFloat), from}, to);
  CHECK(output.sample_rate == to);
  const auto expected_length = std::llround(static_cast<double>(length) * to / from);
  REQUIRE(output.samples.size(0) == expected_length);
  // Away from the ends, where the sound starts and stops at once.
  const auto error = (output.samples.to(at::kDouble) - sine(440, expected_length, to)).abs();
  CHECK(error.slice(0, 500, -500).max().item<double>() < 1e-4);
}

TEST_CASE("transform::resample: what the lower rate cannot carry is removed, not folded back", "[formats][resample]") {
  const auto output = resample({sine(7000, 32000, 32000).to(at::kFloat), 32000}, 8000);
  CHECK(output.samples.slice(0, 500, -500).abs().max().item<double>() < 1e-5);
}

TEST_CASE("transform::resample: any length gives the rounded length, without a gap at the end", "[formats][resample]") {
  for (const auto& [from, to] : {std::pair(44100, 16000), {16000, 44100}, {256, 1}, {1, 256}, {7, 5}}) {
    for (std::int64_t length = 0; length < 60; ++length) {
      CAPTURE(from, to, length);
      const auto output = resample({torch::ones({length}), from}, to).samples;
      REQUIRE(output.size(0) == std::llround(static_cast<double>(length) * to / from));
      CHECK(torch::isfinite(output).all().item<bool>());
    }
  }
  // The last sample is worth half of what follows at worst: the sound ends there.
  CHECK(resample({torch::ones({44101}), 44100}, 16000).samples[-1].item<float>() > 0.3F);
}

TEST_CASE("transform::resample: at its own rate a waveform is handed through", "[formats][resample]") {
  const Waveform waveform{torch::randn({100}), 16000};
  CHECK(resample(waveform, 16000).samples.is_same(waveform.samples));
}

TEST_CASE("transform::resample: refuses rates and tensors that make no sense", "[formats][resample]") {
  const auto error = [](const at::Tensor& samples, std::int64_t from, std::int64_t to) {
    return thrown<ConfigError>([&] { (void)resample({samples, from}, to); });
  };
  CHECK(error(torch::ones({9}), 0, 8000) == "g2d: transform::resample: expected sample rates above 0, got 0 and 8000");
  CHECK_THAT(error(torch::ones({9}), 8000, -1), Contains("above 0, got 8000 and -1"));
  CHECK(error(torch::ones({9}), 1, 257) ==
        "g2d: transform::resample: expected rates that differ at most 256-fold, got 1 and 257");
  CHECK(thrown<ShapeError>([] { (void)resample({torch::ones({2, 9}), 8000}, 16000); }) ==
        "g2d: transform::resample: expected float32 samples [L] on the CPU, got CPUFloatType [2, 9]");
  CHECK_THAT(thrown<ShapeError>([] { (void)resample({torch::ones({9}, at::kDouble), 8000}, 16000); }),
             Contains("got CPUDoubleType [9]"));
  CHECK_THAT(thrown<ShapeError>([] { (void)resample({}, 16000); }), Contains("got no tensor"));
}

TEST_CASE("io::read_image: decodes as Pillow does", "[formats][image]") {
  const TemporaryFolder folder;
  for (const auto& golden : g2d_test::golden_images) {
    INFO(golden.name);
    write_bytes(folder / "image", from_hexadecimal(golden.file));
    const auto colour = read_image(folder / "image");
    const auto grey = read_image(folder / "image", {.channels = 1});
    REQUIRE(colour.sizes() == at::IntArrayRef{3, golden.height, golden.width});
    REQUIRE(grey.sizes() == at::IntArrayRef{1, golden.height, golden.width});
    CHECK(colour.scalar_type() == at::kByte);
    CHECK(colour.is_contiguous());
    const int tolerance = golden.name.starts_with("JPEG") ? 1 : 0;
    CHECK(greatest_difference(colour, expected_image(golden.rgb, golden.height, golden.width)) <= tolerance);
    CHECK(greatest_difference(grey, expected_image(golden.grey, golden.height, golden.width)) <= tolerance);
  }
}

TEST_CASE("io::read_image: each of the 16-bit values of a depth map is kept", "[formats][image]") {
  const TemporaryFolder folder;
  write_bytes(folder / "depth.png", from_hexadecimal(g2d_test::depth_map));
  const auto depths = torch::arange(1000, 1256, 4).view({1, 8, 8});
  for (const std::int64_t channels : {1, 3}) {
    const auto image = read_image(folder / "depth.png", {.channels = channels});
    CHECK(image.scalar_type() == at::kFloat);
    CHECK(image.is_contiguous());
    REQUIRE(image.sizes() == at::IntArrayRef{channels, 8, 8});
    CHECK(torch::equal(image.mul(257).round().to(at::kLong), depths.expand({channels, 8, 8})));
  }
}

TEST_CASE("io::read_image: 16 bits of a colour space are rounded to 8, and counted", "[formats][image]") {
  const TemporaryFolder folder;
  auto file = from_hexadecimal(g2d_test::depth_map);
  constexpr std::size_t first_chunk = 33;  // Behind the signature and IHDR.
  file.insert(first_chunk, from_hexadecimal("000000017352474200aece1ce9"));
  write_bytes(folder / "srgb.png", file);
  g2d::io::read_warnings().clear();
  CHECK(read_image(folder / "srgb.png").scalar_type() == at::kByte);
  const auto warnings = g2d::io::read_warnings().all();
  g2d::io::read_warnings().clear();
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings.front().str(), Contains("srgb.png (16 bits with alpha or a colour space are rounded to 8)"));
}

TEST_CASE("io::read_image: a grey JPEG has three equal channels", "[formats][image]") {
  const TemporaryFolder folder;
  g2d_test::write_jpeg(folder / "grey.jpg", picture(20, 30).slice(0, 0, 1));
  const auto image = read_image(folder / "grey.jpg");
  REQUIRE(image.sizes() == at::IntArrayRef{3, 20, 30});
  CHECK(torch::equal(image[0], image[1]));
  CHECK(torch::equal(image[0], image[2]));
  CHECK(torch::equal(read_image(folder / "grey.jpg", {.channels = 1})[0], image[0]));
}

TEST_CASE("io::read_image: threads decode at the same time", "[formats][image]") {
  const TemporaryFolder folder;
  g2d_test::write_jpeg(folder / "a.jpg", picture(64, 48));
  write_png(folder / "a.png", picture(64, 48));
  const auto jpeg = read_image(folder / "a.jpg");
  std::vector<int> num_equal(4, 0);
  std::vector<std::thread> threads;
  for (auto& count : num_equal) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        count +=
            read_image(folder / "a.jpg").equal(jpeg) && read_image(folder / "a.png").equal(picture(64, 48)) ? 1 : 0;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(num_equal == std::vector<int>(4, 50));
}

TEST_CASE("io::read_image: a broken JPEG does not spoil the next one", "[formats][image]") {
  const TemporaryFolder folder;
  g2d_test::write_jpeg(folder / "sound.jpg", picture(40, 40));
  const auto bytes = read_bytes(folder / "sound.jpg");
  const auto sound = read_image(folder / "sound.jpg");
  for (std::size_t end = 3; end + 2 < bytes.size(); end += 7) {  // Without the end marker alone it is read.
    CAPTURE(end);
    write_bytes(folder / "broken.jpg", bytes.substr(0, end));
    CHECK_THAT(image_error(folder / "broken.jpg"), Contains("broken.jpg: expected "));
    REQUIRE(torch::equal(read_image(folder / "sound.jpg"), sound));
  }
}

TEST_CASE("io::read_image: says what is wrong with a file that is no image", "[formats][image]") {
  const TemporaryFolder folder;
  write_bytes(folder / "text.jpg", "hello, world");
  CHECK(image_error(folder / "text.jpg") ==
        fmt::format("g2d: io::read_image: {}: expected a JPEG or PNG, got another format",
                    (folder / "text.jpg").string()));
  CHECK(thrown<ConfigError>([&] { (void)read_image(folder / "text.jpg", {.channels = 4}); }) ==
        "g2d: io::read_image: expected 1 or 3 channels, got 4");

  g2d_test::write_jpeg(folder / "a.jpg", picture(40, 40));
  auto bytes = read_bytes(folder / "a.jpg");
  write_bytes(folder / "cut.jpg", bytes.substr(0, bytes.size() - 20));
  CHECK_THAT(
      image_error(folder / "cut.jpg"),
      Contains(
          "cut.jpg: expected a sound JPEG, got Corrupt JPEG data: premature end of data segment; it is truncated"));
  CHECK_THAT(image_error(folder / "a.jpg", {.max_pixels = 1599}),
             Contains("expected at most 1599 pixels, got 40 x 40; raise ImageOptions::max_pixels if that is right"));
  const auto frame = bytes.find("\xFF\xC0"s);
  bytes.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");
  write_bytes(folder / "huge.jpg", bytes);
  CHECK_THAT(image_error(folder / "huge.jpg"), Contains("expected at most 67108864 pixels, got 65500 x 65500"));

  write_png(folder / "a.png", picture(40, 40));
  const auto png = read_bytes(folder / "a.png");
  write_bytes(folder / "cut.png", png.substr(0, png.size() - 1));
  CHECK_THAT(image_error(folder / "cut.png"), Contains("cut.png: expected a PNG with an end, got none; the file is"));
  CHECK_THAT(image_error(folder / "a.png", {.max_pixels = 1599}),
             Contains("expected at most 1599 pixels, got 40 x 40"));
  write_bytes(folder / "bad.png", png.substr(0, 100) + png.substr(101));
  CHECK_THAT(image_error(folder / "bad.png"), Contains("bad.png: expected a sound PNG, got "));
}

TEST_CASE("io::read_image: a CMYK JPEG is refused with advice", "[formats][image]") {
  const TemporaryFolder folder;
  const std::vector<unsigned char> pixels(16 * 16 * 4, 100);
  auto* encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  REQUIRE(tjCompress2(encoder, pixels.data(), 16, 0, 16, TJPF_CMYK, &bytes, &size, TJSAMP_444, 90, 0) == 0);
  write_bytes(folder / "print.jpg", std::string(reinterpret_cast<const char*>(bytes), size));
  tjFree(bytes);
  tjDestroy(encoder);
  CHECK_THAT(
      image_error(folder / "print.jpg"),
      Contains("print.jpg: expected a JPEG in colour or grey, got CMYK, which is meant for printing; convert it"));
}

TEST_CASE("io::write_png: an image comes back bit for bit", "[formats][png]") {
  const TemporaryFolder folder;
  const auto image = picture(23, 17);
  write_png(folder / "colour.png", image);
  CHECK(torch::equal(read_image(folder / "colour.png"), image));
  write_png(folder / "view.png", image.flip(2).transpose(1, 2));
  CHECK(torch::equal(read_image(folder / "view.png"), image.flip(2).transpose(1, 2)));
  write_png(folder / "lazy.png", at::_neg_view(image));
  CHECK(torch::equal(read_image(folder / "lazy.png"), at::neg(image)));
  write_png(folder / "grey.png", image.slice(0, 1, 2));
  CHECK(torch::equal(read_image(folder / "grey.png", {.channels = 1}), image.slice(0, 1, 2)));
  const auto noise = torch::randint(256, {3, 50, 50}, at::kByte);  // larger packed than plain
  write_png(folder / "noise.png", noise);
  CHECK(torch::equal(read_image(folder / "noise.png"), noise));
}

TEST_CASE("io::write_png: refuses what is no image, and says why a file cannot be written", "[formats][png]") {
  const TemporaryFolder folder;
  const auto error = [&](const at::Tensor& image) {
    return thrown<ShapeError>([&] { write_png(folder / "a.png", image); });
  };
  CHECK(error(torch::zeros({3, 4, 5})) ==
        "g2d: io::write_png: expected uint8 [3, H, W] or [1, H, W], got Float [3, 4, 5]");
  CHECK_THAT(error(torch::zeros({4, 5}, at::kByte)), Contains("got Byte [4, 5]"));
  CHECK_THAT(error(torch::zeros({2, 4, 5}, at::kByte)), Contains("got Byte [2, 4, 5]"));
  CHECK_THAT(error(torch::zeros({3, 0, 5}, at::kByte)), Contains("got Byte [3, 0, 5]"));
  CHECK_THAT(error({}), Contains("got no tensor"));
  CHECK_THAT(thrown<DataError>([&] { write_png(folder / "absent" / "a.png", picture(8, 8)); }),
             Contains("absent/a.png: cannot be written: No such file"));
  const auto noise = torch::randint(256, {3, 50, 50}, at::kByte);
  const auto full = [&] {
    const g2d_test::FullDisk disk(1024);
    return thrown<DataError>([&] { write_png(folder / "a.png", noise); });
  }();
  CHECK_THAT(full, Contains("a.png: cannot be written: File too large"));
  CHECK(std::filesystem::is_empty(folder.path()));
}
