// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <png.h>
#include <torch/torch.h>
#include <zlib.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/io/audio.hpp>
#include <g2d/io/image.hpp>
#include <g2d/io/read_warnings.hpp>
#include <g2d/io/write_png.hpp>
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

/// Files that other programs read, some with a warning, although something about them is wrong.
namespace {

using Catch::Matchers::Contains;
using g2d::DataError;
using g2d::io::read_audio;
using g2d::io::read_image;
using g2d::io::read_warnings;
using g2d::io::detail::ByteOrder;
using g2d::io::detail::number_at;
using g2d::io::detail::put_number;
using g2d_test::picture;
using g2d_test::read_bytes;
using g2d_test::sine;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_bytes;
using namespace std::string_literals;
using std::filesystem::path;

constexpr int mp3 = 0x230000 | 0x0082;  // libsndfile 1.1 names them

/// What was warned of since the last call: "kind" of each warning.
std::vector<std::string> warned() {
  std::vector<std::string> kinds;
  for (const auto& warning : read_warnings().all()) kinds.push_back(warning.kind);
  read_warnings().clear();
  return kinds;
}

using Kinds = std::vector<std::string>;
const Kinds no_warning;
const Kinds wrong_length{"recording whose header tells a wrong length, or none"};
const Kinds no_end{"Ogg stream whose last page does not end it"};
const Kinds jpeg_warning{"JPEG with a warning"};

struct Folder : TemporaryFolder {
  Folder() { read_warnings().clear(); }

  /// A file of these bytes, and what reading it throws.
  [[nodiscard]] at::Tensor sound(const std::string& bytes) const {
    write_bytes(*this / "sound", bytes);
    return read_audio(*this / "sound").samples;
  }
  [[nodiscard]] std::string sound_error(const std::string& bytes) const {
    return thrown<DataError>([&] { (void)sound(bytes); });
  }
  [[nodiscard]] at::Tensor image(const std::string& bytes) const {
    write_bytes(*this / "image", bytes);
    return read_image(*this / "image");
  }
  [[nodiscard]] std::string image_error(const std::string& bytes) const {
    return thrown<DataError>([&] { (void)image(bytes); });
  }

  /// A recording as libsndfile writes it.
  [[nodiscard]] std::string written(const at::Tensor& samples, int format) const {
    g2d_test::write_audio(*this / "written", samples, 16000, format);
    return read_bytes(*this / "written");
  }
};

std::string with_number(std::string bytes, std::size_t at, std::size_t width, ByteOrder order, std::uint64_t number) {
  put_number(bytes, at, width, order, number);
  return bytes;
}

/// WAV of 16 bits with these lengths in its header of 44 bytes.
std::string with_lengths(const std::string& wav, std::uint64_t riff, std::uint64_t data) {
  return with_number(with_number(wav, 4, 4, ByteOrder::Little, riff), 40, 4, ByteOrder::Little, data);
}

/// The last page of an Ogg file without the mark of the end.
std::string without_end(std::string bytes) {
  const auto start = bytes.rfind("OggS");
  bytes[start + 5] = static_cast<char>(bytes[start + 5] & ~4);
  put_number(bytes, start + 22, 4, ByteOrder::Little, 0);
  put_number(bytes, start + 22, 4, ByteOrder::Little,
             g2d::io::detail::ogg_checksum(std::string_view(bytes).substr(start)));
  return bytes;
}

std::string jpeg_of(const at::Tensor& image) {
  const TemporaryFolder folder;
  g2d_test::write_jpeg(folder / "a.jpg", image);
  return read_bytes(folder / "a.jpg");
}

/// A chunk of PNG, with its checksum or a wrong one.
std::string png_chunk(const std::string& name, const std::string& content, bool is_sound) {
  const auto body = name + content;
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  std::string chunk(4, '\0');
  put_number(chunk, 0, 4, ByteOrder::Big, content.size());
  chunk += body + std::string(4, '\0');
  put_number(chunk, chunk.size() - 4, 4, ByteOrder::Big, is_sound ? sum : sum ^ 1U);
  return chunk;
}

}  // namespace

TEST_CASE("io::read_warnings: counts files by kind, each once, and names the first", "[formats][warnings]") {
  g2d::io::ReadWarnings warnings;
  CHECK(warnings.all().empty());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int file = 9; file >= 0; --file)
        warnings.add("odd", fmt::format("{}.wav", file), fmt::format("no {}", file));
    });
  }
  for (auto& thread : threads) thread.join();
  warnings.add("cut", "b.wav");
  REQUIRE(warnings.all().size() == 2);
  CHECK(warnings.all()[0].str() == "1 file: cut, first b.wav");
  CHECK(warnings.all()[1].str() == "10 files: odd, first 0.wav (no 0)");
  warnings.clear();
  CHECK(warnings.all().empty());
}

TEST_CASE("io::read_audio: a WAV whose header does not tell the length gives all samples", "[formats][audio]") {
  const Folder folder;
  const auto samples = sine(440, 4001);
  const auto wav = folder.written(samples, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  const auto expected = folder.sound(wav);
  CHECK(warned() == no_warning);
  // Pipes of SoX and ffmpeg, recorders that were killed, and what lies between.
  for (const std::uint64_t data :
       {0U, 0x7FFFF000U, 0x7FFFF024U, 0x7FFFFFDBU, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFF00U, 0xFFFFFFDBU, 0xFFFFFFFFU}) {
    for (const std::uint64_t riff : {0U, 36U, 0x7FFFF024U, 0xFFFFFFFFU}) {
      CAPTURE(riff, data);
      CHECK(torch::equal(folder.sound(with_lengths(wav, riff, data)), expected));
      CHECK(warned() == wrong_length);
    }
  }
}

TEST_CASE("io::read_audio: a WAV that has every byte its samples announce is read", "[formats][audio]") {
  const Folder folder;
  const auto wav = folder.written(sine(440, 4000), SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  const auto expected = folder.sound(wav);
  const auto data = wav.size() - 44;
  const auto is_read = [&](const std::string& bytes) { return torch::equal(folder.sound(bytes), expected); };
  CHECK(is_read(with_lengths(wav, wav.size(), data)));  // counts the eight bytes before it
  CHECK(warned() == wrong_length);
  CHECK(is_read(with_lengths(wav, 0, data)));
  CHECK(warned() == wrong_length);
  CHECK(is_read(with_lengths(wav, 36, data)));
  CHECK(is_read(wav + "LIST\x28\0\0\0INFO"s));  // cut off behind the samples
  CHECK(is_read(wav + "\1\2\3\4\5"));
  CHECK(warned() == no_warning);
}

TEST_CASE("io::read_audio: a byte that pads an odd number belongs to no sample", "[formats][audio]") {
  const Folder folder;
  const auto check = [&](int format, std::size_t frame_bytes) {
    CAPTURE(frame_bytes);
    auto wav = folder.written(sine(440, 4001), format);
    if (wav.size() % 2 == 0) wav.pop_back();
    const auto data_at = wav.find("data") + 4;
    const auto counted = with_number(wav, data_at, 4, ByteOrder::Little, 4001 * frame_bytes + 1);
    CHECK(folder.sound(wav).size(0) == 4001);
    CHECK(folder.sound(counted).size(0) == 4001);
    CHECK(warned() == no_warning);
  };
  check(SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 1);
  check(SF_FORMAT_WAV | SF_FORMAT_PCM_24, 3);
  // Half a sample is missing, and no padding.
  const auto wav = folder.written(sine(440, 4001), SF_FORMAT_WAV | SF_FORMAT_PCM_16);
  CHECK_THAT(folder.sound_error(wav.substr(0, wav.size() - 1)), Contains("got 8045; the file is truncated"));
}

TEST_CASE("io::read_audio: an empty WAV is not one that was killed", "[formats][audio]") {
  const Folder folder;
  const auto wav = folder.written(torch::zeros({0}), SF_FORMAT_WAV | SF_FORMAT_PCM_16).substr(0, 44);
  for (const auto& behind : {""s, "LIST\4\0\0\0INFO"s}) {
    CHECK_THAT(folder.sound_error(with_lengths(wav, 36, 0) + behind), Contains("expected at least one sample"));
  }
}

TEST_CASE("io::read_audio: a killed recorder's AIFF, AU, CAF, Wave64 and RF64 give all samples", "[formats][audio]") {
  const Folder folder;
  struct Case {
    int format;
    std::string name;         ///< Of the chunk of the samples.
    std::size_t behind_name;  ///< Where its length is.
    std::size_t width;
    ByteOrder order;
    std::vector<std::uint64_t> untold;
  };
  const std::vector<Case> cases{{SF_FORMAT_AIFF, "SSND", 4, 4, ByteOrder::Big, {0, 8, 0x7F000008, 0xFFFFFFFF}},
                                {SF_FORMAT_AU, ".snd", 8, 4, ByteOrder::Big, {0, 0xFFFFFFFF}},
                                {SF_FORMAT_CAF, "data", 4, 8, ByteOrder::Big, {4, 0xFFFFFFFFFFFFFFFF}},
                                {SF_FORMAT_W64, "data", 16, 8, ByteOrder::Little, {0, 24, 0xFFFFFFFFFFFFFFFF}},
                                {SF_FORMAT_RF64, "ds64", 16, 8, ByteOrder::Little, {0, 0xFFFFFFFFFFFFFFFF}}};
  for (const auto& [format, name, behind_name, width, order, untold] : cases) {
    CAPTURE(name, format);
    const auto bytes = folder.written(sine(440, 4001), format | SF_FORMAT_PCM_16);
    const auto expected = folder.sound(bytes);
    CHECK(warned() == no_warning);
    const auto at = bytes.find(name) + behind_name;
    for (const auto length : untold) {
      CAPTURE(length);
      CHECK(torch::equal(folder.sound(with_number(bytes, at, width, order, length)), expected));
      CHECK(warned() == wrong_length);
    }
    for (const auto missing : {std::size_t{2}, bytes.size() / 2}) {
      CHECK_THAT(folder.sound_error(bytes.substr(0, bytes.size() - missing)), Contains("the file is truncated"));
    }
  }
}

TEST_CASE("io::read_audio: an Ogg stream without an end gives the samples that it gives with one", "[formats][audio]") {
  const Folder folder;
  const int codec = GENERATE(int{SF_FORMAT_VORBIS}, int{SF_FORMAT_OPUS});
  const auto length = GENERATE(2000, 60000);  // one page of samples, and several
  CAPTURE(codec, length);
  const auto ogg = folder.written(sine(440, length), SF_FORMAT_OGG | codec);
  const auto expected = folder.sound(ogg);
  REQUIRE(expected.size(0) == length);
  CHECK(warned() == no_warning);
  CHECK(torch::equal(folder.sound(without_end(ogg)), expected));
  CHECK(warned() == no_end);
  for (const std::size_t missing : {1U, 30U}) {
    CHECK_THAT(folder.sound_error(without_end(ogg).substr(0, ogg.size() - missing)), Contains("truncated or damaged"));
  }
}

TEST_CASE("io::read_audio: of Ogg streams one behind the other none is passed over in silence", "[formats][audio]") {
  const Folder folder;
  const auto ogg = folder.written(sine(440, 9000), SF_FORMAT_OGG | SF_FORMAT_VORBIS);
  CHECK_THAT(folder.sound_error(ogg + ogg), Contains("expected one Ogg stream, got several, one behind the other"));
}

TEST_CASE("io::read_audio: FLAC in Ogg gives the samples of FLAC, with an end or without", "[formats][audio]") {
  const Folder folder;
  const auto flac = folder.written(sine(440, 9000), SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  const auto expected = folder.sound(flac);
  // Pages of at most 255 segments; a packet for the description, one for each other block, frames in several pages.
  std::string ogg;
  std::uint32_t number = 0;
  const auto page = [&](const std::string& content, int flags) {
    std::string bytes = "OggS\0"s + static_cast<char>(flags) + std::string(8, '\0') + "flac" + std::string(8, '\0');
    put_number(bytes, 18, 4, ByteOrder::Little, number++);
    bytes += static_cast<char>(content.size() / 255 + 1);
    bytes += std::string(content.size() / 255, '\xFF') + static_cast<char>(content.size() % 255) + content;
    put_number(bytes, 22, 4, ByteOrder::Little, g2d::io::detail::ogg_checksum(bytes));
    ogg += bytes;
  };
  constexpr std::size_t description = 42;  // "fLaC" and its first block
  page(
      "\x7F"
      "FLAC\1\0\0\1"s +
          flac.substr(0, description),
      2);
  constexpr std::size_t page_bytes = 5000;
  for (auto at = description; at < flac.size(); at += page_bytes) page(flac.substr(at, page_bytes), 0);
  CHECK(torch::equal(folder.sound(ogg), expected));
  CHECK(warned() == no_end);
  const auto start = ogg.rfind("OggS");
  ogg[start + 5] = 4;
  CHECK(torch::equal(folder.sound(ogg), expected));
  CHECK(warned() == no_warning);
  CHECK_THAT(folder.sound_error(ogg.substr(0, start)), Contains("expected 9000 samples as it announces, got "));
}

TEST_CASE("io::read_audio: a FLAC of unannounced length is read to its end, and refused when cut off",
          "[formats][audio]") {
  const Folder folder;
  const auto told = folder.written(sine(440, 20000) + torch::randn({20000}) * 0.05, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  auto untold = told;
  untold[21] = static_cast<char>(untold[21] & 0xF0);
  put_number(untold, 22, 4, ByteOrder::Big, 0);
  const auto expected = folder.sound(told);
  CHECK(torch::equal(folder.sound(untold), expected));
  CHECK(torch::equal(folder.sound(untold + "TAG" + std::string(125, ' ')), expected));
  CHECK(torch::equal(folder.sound(told + "TAG" + std::string(125, ' ')), expected));
  CHECK(torch::equal(folder.sound(told + "anything"), expected));
  CHECK(warned() == no_warning);
  for (const std::size_t missing : {1U, 100U, 2500U, 9000U}) {
    CAPTURE(missing);
    CHECK_THAT(folder.sound_error(untold.substr(0, untold.size() - missing)), Contains("truncated or damaged"));
    CHECK_THAT(folder.sound_error(told.substr(0, told.size() - missing)), Contains("truncated or damaged"));
  }
}

TEST_CASE("io::read_audio: an MP3 of any rate that does not tell its length gives all samples", "[formats][audio]") {
  SF_INFO info{.frames = 0, .samplerate = 22050, .channels = 1, .format = mp3, .sections = 0, .seekable = 0};
  if (sf_format_check(&info) == 0) return;  // This libsndfile knows no MP3.
  const Folder folder;
  // Loud and rich first, a faint tone behind: frames of different sizes.
  torch::manual_seed(0);
  const auto loud = torch::rand({20000}) - 0.5;
  const auto is_loud_first = GENERATE(true, false);
  const auto quiet = sine(300, 60000) * 0.02;
  const auto samples = is_loud_first ? torch::cat({loud, quiet}) : torch::cat({quiet, loud});
  const auto told = [&] {
    info.samplerate = 22050;
    auto* file = sf_open((folder / "a.mp3").c_str(), SFM_WRITE, &info);
    REQUIRE(file != nullptr);
    int mode = SF_BITRATE_MODE_VARIABLE;
    sf_command(file, SFC_SET_BITRATE_MODE, &mode, sizeof mode);
    const auto values = samples.to(at::kFloat).contiguous();
    sf_writef_float(file, values.const_data_ptr<float>(), values.size(0));
    sf_close(file);
    return read_bytes(folder / "a.mp3");
  }();
  using g2d::io::detail::mpeg_frame;
  const auto xing = mpeg_frame(told, 0);
  REQUIRE(xing);
  REQUIRE(folder.sound(told).size(0) == 80000);
  const auto bare = told.substr(xing->size);
  std::int64_t count = 0;
  std::size_t size_of_last = 0;
  for (std::size_t at = 0; at < bare.size(); at += size_of_last, ++count) size_of_last = mpeg_frame(bare, at)->size;
  CHECK(count >= 139);
  for (const auto& behind : {""s, "TAG" + std::string(125, ' '), std::string(3000, '\0')}) {
    CHECK(folder.sound(bare + behind).size(0) == count * 576);
  }
  CHECK(folder.sound("ID3\4\0\0\0\0\0\x20"s + std::string(32, '\0') + bare).size(0) == count * 576);
  for (const std::size_t missing : {std::size_t{1}, size_of_last - 5}) {
    CHECK_THAT(folder.sound_error(bare.substr(0, bare.size() - missing)), Contains("the file is truncated"));
    CHECK_THAT(folder.sound_error(told.substr(0, told.size() - missing)), Contains("it is truncated or damaged"));
  }
}

TEST_CASE("io::read_image: a JPEG that libjpeg warns of has the pixels of a sound one", "[formats][image]") {
  const Folder folder;
  const auto sound = jpeg_of(picture(48, 64));
  const auto expected = folder.image(sound);
  CHECK(warned() == no_warning);
  const auto scan = sound.find("\xFF\xDA"s);
  const auto end_of_scan = scan + 2 + static_cast<std::size_t>(number_at(sound, scan + 2, 2, ByteOrder::Big));
  const auto jfif = sound.find("JFIF\0"s);
  const auto without_end = sound.substr(0, sound.size() - 2);
  const std::vector<std::pair<std::string, std::string>> cases{
      {without_end + std::string(242, '\x12') + "\xFF\xD9", "extraneous bytes before marker 0xd9"},
      {sound.substr(0, end_of_scan - 3) + "\0\0\0"s + sound.substr(end_of_scan),
       "Invalid SOS parameters for sequential JPEG"},
      {sound.substr(0, jfif + 5) + "\2" + sound.substr(jfif + 6), "Warning: unknown JFIF revision number 2.01"},
      {without_end, "no end marker"},
      {without_end + std::string(30, '\0'), "extraneous bytes before marker 0xd9"}};
  for (const auto& [bytes, detail] : cases) {
    INFO(detail);
    CHECK(torch::equal(folder.image(bytes), expected));
    const auto all = read_warnings().all();
    REQUIRE(all.size() == 1);
    CHECK_THAT(all[0].detail, Catch::Matchers::EndsWith(detail));
    CHECK(warned() == jpeg_warning);
  }
  CHECK(torch::equal(folder.image(sound + std::string(100, '\0')), expected));
  CHECK(warned() == no_warning);
}

TEST_CASE("io::read_image: a JPEG that is cut off is refused, whatever was put behind", "[formats][image]") {
  const Folder folder;
  const auto sound = jpeg_of(picture(48, 64));
  const auto scan = sound.find("\xFF\xDA"s);
  for (auto end = scan + 20; end + 3 < sound.size(); end += 37) {
    CAPTURE(end);
    CHECK_THAT(folder.image_error(sound.substr(0, end)), Contains("truncated"));
    CHECK_THAT(folder.image_error(sound.substr(0, end) + "\xFF\xD9"), Contains("truncated"));
  }
  CHECK(warned() == no_warning);
}

TEST_CASE("io::read_image: a JPEG of a sampling without a name is read", "[formats][image]") {
  const Folder folder;
  const auto grey = torch::full({3, 8, 24}, 128, at::kByte);
  auto bytes = jpeg_of(grey);
  const auto frame = bytes.find("\xFF\xC0"s);
  REQUIRE(bytes[frame + 11] == '\x22');
  bytes[frame + 11] = '\x31';  // three columns of luma for one of chroma
  const auto scan = bytes.find("\xFF\xDA"s);
  const auto begin = scan + 2 + static_cast<std::size_t>(number_at(bytes, scan + 2, 2, ByteOrder::Big));
  // In the standard's codes: three times "no difference, end of block" of luma, twice of chroma.
  bytes = bytes.substr(0, begin) + "\x28\xA2\x80\x3F\xFF\xD9";
  CHECK(torch::equal(folder.image(bytes), grey));
  CHECK(warned() == no_warning);
}

TEST_CASE("io::read_image: a PNG that libpng warns of has the pixels of a sound one", "[formats][image]") {
  const Folder folder;
  g2d::io::write_png(folder / "a.png", picture(20, 30));
  const auto sound = read_bytes(folder / "a.png");
  const auto expected = folder.image(sound);
  const auto data = sound.find("IDAT") - 4;
  const auto put = [&](const std::string& chunk) { return sound.substr(0, data) + chunk + sound.substr(data); };
  CHECK(torch::equal(folder.image(put(png_chunk("tEXt", "Title\0bee"s, true))), expected));
  CHECK(warned() == no_warning);
  for (const auto& bytes : {put(png_chunk("tEXt", "Title\0bee"s, false)), put(png_chunk("gAMA", "\0\0\0\0"s, true)),
                            put(png_chunk("iCCP", "x\0\0nonsense"s, true))}) {
    CHECK(torch::equal(folder.image(bytes), expected));
    const auto all = read_warnings().all();
    REQUIRE(all.size() == 1);
    CHECK_FALSE(all[0].detail.empty());
    CHECK(warned() == Kinds{"PNG with a warning"});
  }
  CHECK_THAT(folder.image_error(sound.substr(0, sound.size() - 12)), Contains("the file is truncated"));
}
