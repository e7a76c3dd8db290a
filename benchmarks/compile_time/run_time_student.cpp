// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// A translation unit as a user has many of: it trains a student whose parts are chosen at run time. Only
// compile_time.py compiles it.

#include <memory>
#include <utility>
#include <vector>

#include <g2d/g2d.hpp>

namespace {

using Task = g2d::task::Classification;
using Method = g2d::method::G2d<Task>;

}  // namespace

#ifdef TRAINER_IS_INSTANTIATED_ELSEWHERE
extern template class g2d::Trainer<g2d::AnyStudent, Method, Task>;
#endif

g2d::History train(const g2d::data::InMemory& training, const g2d::data::InMemory& validation,
                   g2d::TeacherSource teachers) {
  std::vector<g2d::Encoder> encoders;
  std::vector<std::int64_t> widths;
  for (std::size_t m = 0; m < training.names().size(); ++m) {
    encoders.emplace_back(std::make_shared<g2d::encoder::SmallCnn>());
    widths.push_back(encoders.back().feature_width());
  }
  const g2d::FusionShape shape(training.names(), widths, 10);
  g2d::AnyStudent student(g2d::fusion::Late(shape), std::move(encoders), g2d::readout::Auto());
  g2d::Trainer trainer(student, Method(), Task(), {.num_epochs = 30, .batch_size = 16}, std::move(teachers));
  return trainer.fit(training, validation);
}
