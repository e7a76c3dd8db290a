// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <torch/torch.h>
#include <zlib.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/io/audio.hpp>
#include <g2d/io/csv.hpp>
#include <g2d/io/idx.hpp>
#include <g2d/io/image.hpp>
#include <g2d/io/json_table.hpp>
#include <g2d/io/npy.hpp>
#include <g2d/io/npz.hpp>
#include <g2d/io/pt.hpp>
#include <g2d/io/safetensors.hpp>
#include <g2d/io/write_png.hpp>
#include "support/address_space.hpp"
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

/// LibTorch's archive reader leaks the archive's directory when it refuses a damaged one, libsndfile the description of
/// a Vorbis stream whose header it refuses.
extern "C" const char* __lsan_default_suppressions() { return "leak:mz_zip_reader_init\nleak:vorbis_info_init\n"; }

namespace {

using g2d_test::picture;
using g2d_test::read_bytes;
using g2d_test::sine;
using g2d_test::TemporaryFolder;
using g2d_test::write_bytes;
using namespace std::string_literals;
using std::filesystem::path;

/// More than any reader may ask for because of a file of a few kilobytes.
constexpr std::int64_t memory_limit = std::int64_t{1} << 28U;

struct Format {
  std::string file_name;
  std::function<void(const path&)> write;
  std::function<void(const path&)> read;  ///< Fails the test when it returns something that is not valid.
  std::size_t end_marker = 0;             ///< Bytes at the end without which all of the content is there.
  bool shows_truncation = true;           ///< Text in rows is also sound when it ends after any row.
};

void read_recording(const path& file) {
  const auto waveform = g2d::io::read_audio(file);
  REQUIRE(waveform.sample_rate > 0);
  REQUIRE(waveform.samples.numel() > 0);
  REQUIRE(torch::isfinite(waveform.samples).all().item<bool>());
}

void read_picture(const path& file) {
  const auto image = g2d::io::read_image(file);
  REQUIRE(image.dim() == 3);
  REQUIRE(image.numel() == 3 * image.size(1) * image.size(2));
}

/// Looks at every value, so that none lies outside the file.
void look_at(const at::Tensor& tensor) {
  REQUIRE(tensor.defined());
  (void)tensor.clone();
}

void look_at(const g2d::io::Tensors& tensors) {
  for (const auto& item : tensors) look_at(item.value());
}

void look_at(const g2d::io::Table& table) {
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    for (std::size_t column = 0; column < table.column_names().size(); ++column) (void)table.cell(row, column).size();
  }
  if (table.has_column("x")) (void)table.numbers("x");
}

g2d::io::Tensors some_tensors() {
  g2d::io::Tensors tensors;
  tensors.insert("weight", torch::arange(40, at::kFloat).view({8, 5}));
  tensors.insert("bias", torch::arange(8));
  return tensors;
}

void write_idx_gzip(const path& file) {
  const auto gzip = gzopen(file.c_str(), "wb");
  const auto bytes = "\0\0\x08\x03\0\0\0\x05\0\0\0\x04\0\0\0\x03"s + std::string(60, 'x');
  gzwrite(gzip, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(gzip);
}

std::string text_rows() {
  std::string text = "id,x,label\n";
  for (int i = 0; i < 40; ++i) text += fmt::format("{},{:.2f},\"cat, {}\"\n", i, i * 0.37, i % 3);
  return text;
}

std::string json_rows() {
  std::string text = "[";
  for (int i = 0; i < 40; ++i) text += fmt::format("{}{{\"id\": {}, \"x\": {:.2f}}}", i == 0 ? "" : ",\n", i, i * 0.37);
  return text + "]";
}

std::vector<Format> formats() {
  const auto sound = sine(440, 3000);
  return {
      {"a.wav", [=](const path& file) { g2d_test::write_wav(file, sound); }, read_recording},
      {"a.float.wav",
       [=](const path& file) { g2d_test::write_audio(file, sound, 16000, SF_FORMAT_WAV | SF_FORMAT_FLOAT); },
       read_recording},
      {"a.aiff",
       [=](const path& file) { g2d_test::write_audio(file, sound, 16000, SF_FORMAT_AIFF | SF_FORMAT_PCM_16); },
       read_recording},
      {"a.au", [=](const path& file) { g2d_test::write_audio(file, sound, 16000, SF_FORMAT_AU | SF_FORMAT_PCM_16); },
       read_recording},
      {"a.caf", [=](const path& file) { g2d_test::write_audio(file, sound, 16000, SF_FORMAT_CAF | SF_FORMAT_PCM_16); },
       read_recording},
      {"a.w64", [=](const path& file) { g2d_test::write_audio(file, sound, 16000, SF_FORMAT_W64 | SF_FORMAT_PCM_24); },
       read_recording},
      {"rf64.wav",
       [=](const path& file) { g2d_test::write_audio(file, sound, 16000, SF_FORMAT_RF64 | SF_FORMAT_PCM_16); },
       read_recording},
      {"a.flac", [=](const path& file) { g2d_test::write_flac(file, sound); }, read_recording},
      {"a.ogg", [=](const path& file) { g2d_test::write_ogg(file, sound); }, read_recording},
      {"a.jpg", [](const path& file) { g2d_test::write_jpeg(file, picture(40, 50)); }, read_picture, 2},
      {"grey.jpg", [](const path& file) { g2d_test::write_jpeg(file, picture(40, 50).slice(0, 0, 1)); }, read_picture,
       2},
      {"a.png", [](const path& file) { g2d::io::write_png(file, picture(40, 50)); }, read_picture},
      {"a.npy", [](const path& file) { g2d_test::write_npy(file, torch::arange(60).view({3, 4, 5})); },
       [](const path& file) { look_at(g2d::io::read_npy(file)); }},
      {"mapped.npy", [](const path& file) { g2d_test::write_npy(file, torch::arange(60, at::kFloat)); },
       [](const path& file) { look_at(g2d::io::map_npy(file)); }},
      {"stored.npz",
       [](const path& file) { g2d_test::write_npz(file, {{"a", torch::arange(60)}, {"b", torch::ones({9})}}); },
       [](const path& file) { look_at(g2d::io::read_npz(file)); }},
      {"deflated.npz",
       [](const path& file) { g2d_test::write_npz(file, {{"a", torch::arange(60)}, {"b", torch::ones({9})}}, true); },
       [](const path& file) { look_at(g2d::io::read_npz(file)); }},
      {"a.csv", [](const path& file) { write_bytes(file, text_rows()); },
       [](const path& file) { look_at(g2d::io::read_csv(file)); }, 0, false},
      {"a.json", [](const path& file) { write_bytes(file, json_rows()); },
       [](const path& file) { look_at(g2d::io::read_json_table(file)); }},
      {"a.idx.gz", write_idx_gzip, [](const path& file) { look_at(g2d::io::read_idx(file, 3)); }},
      {"a.safetensors", [](const path& file) { g2d::io::write_safetensors(some_tensors(), file); },
       [](const path& file) { look_at(g2d::io::read_safetensors(file)); }},
      {"a.pt", [](const path& file) { g2d::io::write_pt(some_tensors(), file); },
       [](const path& file) { look_at(g2d::io::read_pt(file)); }},
  };
}

/// The message of the DataError that reading throws, which must name the file; empty when it succeeds.
std::string refusal(const Format& format, const path& file) {
  try {
    format.read(file);
  } catch (const g2d::DataError& error) {
    const std::string text = error.what();
    CAPTURE(text);
    REQUIRE(text.starts_with("g2d: io::"));
    REQUIRE(text.find(file.string() + ": ") != std::string::npos);
    REQUIRE(text.size() > text.find(file.string() + ": ") + file.string().size() + 4);
    return text;
  }
  return "";
}

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFFU);
  return bytes;
}

std::string png_chunk(const std::string& type, const std::string& data) {
  const auto body = type + data;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<std::uint32_t>(data.size())) + body + big_endian(static_cast<std::uint32_t>(sum));
}

std::string png_of(std::uint32_t width, std::uint32_t height) {
  return "\x89PNG\r\n\x1A\n"s + png_chunk("IHDR", big_endian(width) + big_endian(height) + "\x08\x02\0\0\0"s) +
         png_chunk("IDAT", "\x78\x9c\x63\0\0\0\1\0\1"s) + png_chunk("IEND", "");
}

/// The bytes that `format` writes, with some of them replaced.
std::string patched(const Format& format, const TemporaryFolder& folder, std::size_t at, const std::string& bytes) {
  format.write(folder / format.file_name);
  auto whole = read_bytes(folder / format.file_name);
  return whole.replace(at, bytes.size(), bytes);
}

}  // namespace

TEST_CASE("formats: each sound file is read", "[formats][malformed]") {
  const TemporaryFolder folder;
  for (const auto& format : formats()) {
    INFO(format.file_name);
    format.write(folder / format.file_name);
    CHECK(refusal(format, folder / format.file_name).empty());
  }
}

TEST_CASE("formats: a file that was cut off anywhere is refused by name", "[formats][malformed]") {
  const TemporaryFolder folder;
  for (const auto& format : formats()) {
    INFO(format.file_name);
    const auto file = folder / format.file_name;
    format.write(file);
    format.read(file);  // starts threads and fills caches, which count as memory otherwise
    const auto bytes = read_bytes(file);
    const g2d_test::AddressSpace memory;
    std::mt19937 random(5);
    for (int i = 0; i < 50; ++i) {
      const auto size = bytes.size() - format.end_marker;
      const auto end = i == 0 ? size - 1 : random() % size;
      CAPTURE(end);
      write_bytes(file, bytes.substr(0, end));
      const auto reason = refusal(format, file);
      if (format.shows_truncation) CHECK(reason != "");
    }
    CHECK(memory.growth() < memory_limit);
  }
}

TEST_CASE("formats: a damaged byte is refused or harmless", "[formats][malformed]") {
  const TemporaryFolder folder;
  for (const auto& format : formats()) {
    INFO(format.file_name);
    const auto file = folder / format.file_name;
    format.write(file);
    format.read(file);
    const auto bytes = read_bytes(file);
    const g2d_test::AddressSpace memory;
    std::mt19937 random(6);
    // Half of the places lie at the start, where the sizes are.
    for (int i = 0; i < 100; ++i) {
      const auto at = random() % (i % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 64));
      auto damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1 + random() % 255));
      CAPTURE(at);
      write_bytes(file, damaged);
      (void)refusal(format, file);
    }
    CHECK(memory.growth() < memory_limit);
  }
}

TEST_CASE("formats: a file of another kind is refused by name", "[formats][malformed]") {
  const TemporaryFolder folder;
  std::string noise;
  std::mt19937 random(7);
  for (int i = 0; i < 5000; ++i) noise += static_cast<char>(random());
  for (const auto& format : formats()) {
    INFO(format.file_name);
    const auto file = folder / format.file_name;
    for (const auto& bytes : {"hello, world: \"this\" is no such file\n"s, noise, std::string(1000, '\0'), "x"s}) {
      write_bytes(file, bytes);
      const auto reason = refusal(format, file);
      if (format.shows_truncation) CHECK(reason != "");  // any line of text is a row of a table
    }
    format.write(file);
    auto bytes = read_bytes(file);
    bytes[0] = static_cast<char>(bytes[0] ^ 0x55);
    write_bytes(file, bytes);
    const auto reason = refusal(format, file);
    if (format.shows_truncation) CHECK(reason != "");
  }
}

TEST_CASE("formats: an empty file, a folder and no file at all are refused by name", "[formats][malformed]") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "folder");
  for (const auto& format : formats()) {
    INFO(format.file_name);
    write_bytes(folder / format.file_name, "");
    CHECK(refusal(format, folder / format.file_name) != "");
    CHECK(refusal(format, folder / "folder") != "");
    CHECK(refusal(format, folder / "absent") != "");
    std::filesystem::create_symlink("absent", folder / "link");
    CHECK(refusal(format, folder / "link") != "");
    std::filesystem::remove(folder / "link");
  }
}

TEST_CASE("formats: absurd sizes in a header cost no memory", "[formats][malformed]") {
  const TemporaryFolder folder;
  const auto all = formats();
  const auto format_of = [&](const std::string& name) {
    return *std::find_if(all.begin(), all.end(), [&](const auto& format) { return format.file_name == name; });
  };
  const auto check = [&](const std::string& name, const std::string& bytes) {
    INFO(name);
    const auto format = format_of(name);
    format.write(folder / name);
    format.read(folder / name);
    write_bytes(folder / name, bytes);
    const g2d_test::AddressSpace memory;
    const auto reason = refusal(format, folder / name);
    CHECK(memory.growth() < memory_limit);
    return reason;
  };
  const auto check_patched = [&](const std::string& name, std::size_t at, const std::string& bytes) {
    return check(name, patched(format_of(name), folder, at, bytes));
  };

  CHECK(check_patched("a.wav", 4, "\xF0\xFF\xFF\x7F") == "");        // the samples are as long as announced
  CHECK(check_patched("a.wav", 40, "\xF0\xFF\xFF\x6F") != "");       // longer than the file, and no placeholder
  (void)check_patched("a.wav", 22, "\xFF\x03");                      // channels
  (void)check_patched("a.wav", 24, "\xFF\xFF\xFF\x7F");              // sample rate
  CHECK(check_patched("a.wav", 40, "\xF0\xFF\xFF\x7F") == "");       // longer data than the file, of sound length
  CHECK(check_patched("a.flac", 21, "\xFF\xFF\xFF\xFF\xFF") != "");  // 2^36 samples in all

  const auto jpeg = patched(format_of("a.jpg"), folder, 0, "");
  const auto frame = jpeg.find("\xFF\xC0"s) + 5;
  CHECK(check_patched("a.jpg", frame, "\xFF\xDC\xFF\xDC") != "");
  CHECK(check_patched("a.jpg", frame, "\x1F\x40\x1F\x40") != "");  // within the limit, but not in the file
  CHECK(check("a.png", png_of(0x7FFFFFFF, 0x7FFFFFFF)) != "");
  CHECK(check("a.png", png_of(60000, 60000)) != "");
  CHECK(check("a.png", png_of(8000, 8000)) != "");

  const auto npy = [](const std::string& shape) {
    return g2d_test::npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}", "");
  };
  CHECK(check("a.npy", npy("(1000000000,)")) != "");
  CHECK(check("a.npy", npy("(9223372036854775807, 9223372036854775807)")) != "");
  CHECK(check("mapped.npy", npy("(1000000000,)")) != "");
  CHECK(check_patched("a.safetensors", 0, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F") != "");
}

TEST_CASE("formats: a packed file that grows beyond all measure is refused early", "[formats][malformed]") {
  const TemporaryFolder folder;
  const auto file = folder / "bomb";
  constexpr std::size_t bomb_size = std::size_t{1} << 29U;

  SECTION("gzip") {
    const auto gzip = gzopen(file.c_str(), "wb1");
    const auto head = "\0\0\x08\x01\0\0\0\x0A"s;
    gzwrite(gzip, head.data(), static_cast<unsigned>(head.size()));
    const std::string zeros(std::size_t{1} << 20U, '\0');
    for (std::size_t size = 0; size < bomb_size; size += zeros.size()) {
      gzwrite(gzip, zeros.data(), static_cast<unsigned>(zeros.size()));
    }
    gzclose(gzip);
    const g2d_test::AddressSpace memory;
    CHECK_THROWS_WITH(g2d::io::read_idx(file, 1), Catch::Matchers::Contains("got more bytes"));
    CHECK(memory.growth() < memory_limit);
  }
  SECTION("npz") {
    const auto array = g2d_test::npy_bytes(torch::arange(10)) + std::string(bomb_size / 8, '\0');
    g2d_test::write_zip(file, {{"a.npy", array}}, true);
    const g2d_test::AddressSpace memory;
    CHECK_THROWS_WITH(g2d::io::read_npz(file), Catch::Matchers::Contains("expected 80 bytes of values"));
    CHECK(memory.growth() < memory_limit);
  }
  SECTION("json") {
    std::string bytes = "[{\"a\": 1}";
    for (int i = 0; i < 100'000; ++i) bytes += fmt::format(",{{\"{}\":1}}", i);
    write_bytes(file, bytes + "]");
    const g2d_test::AddressSpace memory;
    CHECK_THROWS_WITH(g2d::io::read_json_table(file),
                      Catch::Matchers::Contains("expected objects that share their keys"));
    CHECK(memory.growth() < memory_limit);
  }
}

// Last, for it raises the peak that the others are measured from.
TEST_CASE("formats: the measure of memory sees what is asked for and not touched", "[formats][malformed]") {
  const g2d_test::AddressSpace memory;
  CHECK(memory.growth() < memory_limit);
  (void)torch::empty({2 * memory_limit}, at::kByte);
  CHECK(memory.growth() >= 2 * memory_limit);
}
