// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sndfile.h>
#include <torch/torch.h>
#include <turbojpeg.h>
#include <zip.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/temporary_folder.hpp"

/// Writers of the formats that g2d only reads, for small files.
namespace g2d_test {

inline void require(bool succeeded, const std::string& what) {
  if (!succeeded) throw std::logic_error("the test cannot write " + what);
}

/// samples: float [L] or [channels, L]; `format` is libsndfile's, such as SF_FORMAT_WAV | SF_FORMAT_PCM_16.
inline void write_audio(const std::filesystem::path& path, const at::Tensor& samples, int sample_rate, int format) {
  const auto frames = torch::atleast_2d(samples).t().to(at::kFloat).contiguous();
  SF_INFO info{};
  info.samplerate = sample_rate;
  info.channels = static_cast<int>(frames.size(1));
  info.format = format;
  auto* file = sf_open(path.c_str(), SFM_WRITE, &info);
  require(file != nullptr, path.string());
  // libsndfile's Vorbis encoder overflows its stack when it is given much at once.
  constexpr std::int64_t block = 4096;
  for (std::int64_t begin = 0; begin < frames.size(0); begin += block) {
    const auto part = frames.slice(0, begin, begin + block);
    sf_writef_float(file, part.const_data_ptr<float>(), part.size(0));
  }
  sf_close(file);
}

inline void write_wav(const std::filesystem::path& path, const at::Tensor& samples, int sample_rate = 16000) {
  write_audio(path, samples, sample_rate, SF_FORMAT_WAV | SF_FORMAT_PCM_16);
}

inline void write_flac(const std::filesystem::path& path, const at::Tensor& samples, int sample_rate = 16000) {
  write_audio(path, samples, sample_rate, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
}

inline void write_ogg(const std::filesystem::path& path, const at::Tensor& samples, int sample_rate = 16000) {
  write_audio(path, samples, sample_rate, SF_FORMAT_OGG | SF_FORMAT_VORBIS);
}

/// A sine of half the greatest amplitude, `length` samples long.
inline at::Tensor sine(double frequency, std::int64_t length, int sample_rate = 16000) {
  return 0.5 * torch::sin(torch::arange(length, at::kDouble) * (6.283185307179586 * frequency / sample_rate));
}

/// image: uint8 [3, H, W], or [1, H, W] for a grey file.
inline void write_jpeg(const std::filesystem::path& path, const at::Tensor& image, int quality = 90) {
  const auto pixels = image.permute({1, 2, 0}).contiguous();
  const bool is_grey = image.size(0) == 1;
  auto* encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int status = tjCompress2(encoder, pixels.const_data_ptr<std::uint8_t>(), static_cast<int>(image.size(2)),
                                 /*pitch=*/0, static_cast<int>(image.size(1)), is_grey ? TJPF_GRAY : TJPF_RGB, &bytes,
                                 &size, is_grey ? TJSAMP_GRAY : TJSAMP_420, quality, TJFLAG_ACCURATEDCT);
  require(status == 0, path.string());
  write_bytes(path, std::string(reinterpret_cast<const char*>(bytes), size));
  tjFree(bytes);
  tjDestroy(encoder);
}

/// Smooth colours with edges: uint8 [3, H, W].
inline at::Tensor picture(std::int64_t height, std::int64_t width) {
  const auto y = torch::arange(height, at::kDouble).view({-1, 1}).expand({height, width});
  const auto x = torch::arange(width, at::kDouble).expand({height, width});
  const auto edges = torch::where((x.div(4, "floor") + y.div(4, "floor")).remainder(2) == 0, 250.0, 10.0);
  return torch::stack({127 + 120 * torch::sin(x / 5 + y / 9), 255 * y / static_cast<double>(height), edges})
      .round()
      .to(at::kByte);
}

/// An .npy file, whatever the header says and the values hold.
inline std::string npy_bytes(const std::string& dict, const std::string& values, char version = 1) {
  std::string header = dict;
  const std::size_t begin = version == 1 ? 10 : 12;
  while ((begin + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += {version, '\0', static_cast<char>(header.size() & 0xFFU), static_cast<char>(header.size() >> 8U)};
  if (version != 1) bytes += std::string(2, '\0');
  return bytes + header + values;
}

inline std::string npy_dict(const std::string& descr, at::IntArrayRef shape, bool is_fortran = false) {
  return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': ({}{}), }}", descr, is_fortran ? "True" : "False",
                     fmt::join(shape.begin(), shape.end(), ", "), shape.size() == 1 ? "," : "");
}

inline std::string npy_bytes(const at::Tensor& tensor) {
  const auto descr = [&]() -> std::string {
    switch (tensor.scalar_type()) {
      case at::kBool:
        return "|b1";
      case at::kByte:
        return "|u1";
      case at::kInt:
        return "<i4";
      case at::kLong:
        return "<i8";
      case at::kFloat:
        return "<f4";
      case at::kDouble:
        return "<f8";
      default:
        throw std::logic_error("npy_bytes does not know this dtype");
    }
  }();
  const auto values = tensor.contiguous();
  return npy_bytes(npy_dict(descr, values.sizes()),
                   std::string(static_cast<const char*>(values.const_data_ptr()), values.nbytes()));
}

inline void write_npy(const std::filesystem::path& path, const at::Tensor& tensor) {
  write_bytes(path, npy_bytes(tensor));
}

/// A zip archive of (name, content), each stored or deflated.
inline void write_zip(const std::filesystem::path& path,
                      const std::vector<std::pair<std::string, std::string>>& members, bool deflated,
                      const char* password = nullptr) {
  std::filesystem::remove(path);
  auto* archive = zip_open(path.c_str(), ZIP_CREATE, nullptr);
  require(archive != nullptr, path.string());
  for (const auto& [name, bytes] : members) {
    const auto index = zip_file_add(archive, name.c_str(), zip_source_buffer(archive, bytes.data(), bytes.size(), 0),
                                    ZIP_FL_ENC_UTF_8);
    require(index >= 0, name);
    const auto position = static_cast<zip_uint64_t>(index);
    zip_set_file_compression(archive, position, deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    if (password != nullptr) zip_file_set_encryption(archive, position, ZIP_EM_AES_128, password);
  }
  require(zip_close(archive) == 0, path.string());
}

/// As numpy.savez, or numpy.savez_compressed.
inline void write_npz(const std::filesystem::path& path, const std::vector<std::pair<std::string, at::Tensor>>& arrays,
                      bool compressed = false) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [name, tensor] : arrays) members.emplace_back(name + ".npy", npy_bytes(tensor));
  write_zip(path, members, compressed);
}

}  // namespace g2d_test
