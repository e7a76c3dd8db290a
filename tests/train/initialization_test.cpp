// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <g2d/core/linear.hpp>
#include <g2d/core/parameter.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/initialization/authors_code.hpp>
#include <g2d/initialization/default.hpp>

#include "support/default_dtype.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using g2d::encoder::ResNet18;
namespace initialization = g2d::initialization;

/// Sum and norm of one tensor as the authors' Python code drew it.
struct Drawn {
  std::string name;
  double sum;
  double norm;
};

void check_drawn(const g2d::Parameters& parameters, const std::vector<Drawn>& expected) {
  std::size_t found = 0;
  for (const auto& [name, sum, norm] : expected) {
    INFO(name);
    for (const auto& parameter : parameters) {
      if (parameter.name != name) continue;
      ++found;
      const auto& value = parameter.value;
      CHECK(std::abs(value.sum().item<double>() - sum) < 1e-9 * static_cast<double>(value.numel()));
      CHECK(value.norm().item<double>() == Approx(norm).epsilon(1e-9));
    }
  }
  CHECK(found == expected.size());
}

void append(g2d::Parameters& parameters, const std::string& prefix, const torch::nn::Module& module) {
  for (const auto& item : module.named_parameters()) parameters.push_back({prefix + item.key(), item.value(), {}});
}

/// A student constructed and re-initialised in the authors' order: two fusion layers, audio encoder, visual encoder.
g2d::Parameters draw_student(std::uint64_t seed, const char* first, g2d::Linear (*make_first)(), const char* second,
                             g2d::Linear (*make_second)(), std::int64_t visual_channels) {
  const g2d_test::DefaultDtype dtype(at::kDouble);
  torch::manual_seed(seed);
  g2d::Parameters all;
  make_first().append_to(all, first);
  make_second().append_to(all, second);
  const auto audio = std::make_shared<ResNet18>();
  const auto visual = std::make_shared<ResNet18>(g2d::encoder::ResNet18Options{.in_channels = visual_channels});

  const initialization::AuthorsCode initialize;
  initialize(all);
  initialize(*audio);
  initialize(*visual);
  append(all, "audio_net.", *audio);
  append(all, "visual_net.", *visual);
  return all;
}

}  // namespace

TEST_CASE("initialization::AuthorsCode: a late student drawn from a seed equals the authors'", "[initialization]") {
  const auto head = [] { return g2d::Linear(512, 10); };
  check_drawn(draw_student(999, "fc_x", head, "fc_y", head, 1),
              {{"fc_x.weight", -5.811101653731422, 4.444979193408344},
               {"fc_x.bias", 0.0, 0.0},
               {"fc_y.weight", -4.692485631055526, 4.475151940147042},
               {"audio_net.conv1.weight", -1.156639843737914, 1.4630789479932536},
               {"audio_net.bn1.weight", 64.0, 8.0},
               {"audio_net.layer2.0.downsample.0.weight", -16.075927541368557, 11.368926132407482},
               {"audio_net.layer2.0.conv1.weight", -12.16709698056511, 11.270777998843032},
               {"audio_net.layer4.1.conv2.weight", 36.479607812618355, 32.01166584951283},
               {"visual_net.conv1.weight", 0.6579233736873601, 1.4248546902918584},
               {"visual_net.layer4.1.conv2.weight", 11.74205272554714, 31.997191453499433}});
}

TEST_CASE("initialization::AuthorsCode: a student with a colour stem equals the authors'", "[initialization]") {
  check_drawn(draw_student(
                  7, "fc", [] { return g2d::Linear(512, 1024); }, "fc_out", [] { return g2d::Linear(512, 6); }, 3),
              {{"fc.weight", 13.193264073817888, 26.12325898518434},
               {"fc_out.weight", 4.956297594654108, 3.4701014768287455},
               {"audio_net.conv1.weight", -2.5256116800917416, 1.437132493554758},
               {"audio_net.layer2.0.downsample.0.weight", 6.959428399982972, 11.200020350164438},
               {"audio_net.layer4.1.conv2.weight", -2.3644810972215113, 32.00331884488254},
               {"visual_net.conv1.weight", 1.0216630664900426, 2.451635499462306},
               {"visual_net.layer4.1.conv2.weight", -14.206921878205595, 31.977675605334888}});
}

TEST_CASE("encoder::ResNet18: draws its own initialisation", "[initialization][resnet18]") {
  torch::manual_seed(0);
  const ResNet18 net;
  const auto parameters = net.named_parameters();
  // Kaiming normal with fan-out: variance 2 / (out_channels * kernel area).
  CHECK(parameters["layer4.1.conv2.weight"].std().item<double>() == Approx(std::sqrt(2.0 / (512 * 9))).epsilon(0.01));
  CHECK(parameters["layer4.1.bn2.weight"].std().item<double>() == Approx(0.02).epsilon(0.15));
  CHECK(parameters["layer4.1.bn2.bias"].abs().max().item<double>() == 0.0);
}

TEST_CASE("initialization::AuthorsCode: gradients stay wanted and none is recorded", "[initialization]") {
  ResNet18 net;
  initialization::AuthorsCode{}(net);
  for (const auto& parameter : net.parameters()) CHECK((parameter.requires_grad() && parameter.is_leaf()));
}

TEST_CASE("initialization::Default: leaves every number as it was drawn", "[initialization]") {
  torch::nn::Linear layer(3, 2);
  const auto before = layer->weight.clone();
  const g2d::Parameters parameters{{"weight", layer->weight, {}}};
  initialization::Default{}(*layer);
  initialization::Default{}(parameters);
  CHECK(torch::equal(layer->weight, before));
}
