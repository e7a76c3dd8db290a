// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// What the trainer is made of and needs no student: metrics, evaluation, reports, learning rates, the order of samples,
// datasets in memory, progress.

#include <fcntl.h>
#include <torch/torch.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <g2d/data/batch_order.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/data/single_modality.hpp>
#include <g2d/data/subset.hpp>
#include <g2d/learning_rate/schedule.hpp>
#include <g2d/metrics/measure.hpp>
#include <g2d/report/statistics.hpp>
#include <g2d/report/text_table.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/multi_label.hpp>
#include <g2d/task/regression.hpp>
#include <g2d/train/evaluate.hpp>
#include <g2d/train/progress_bar.hpp>

#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

namespace data = g2d::data;
namespace metrics = g2d::metrics;
namespace report = g2d::report;
using Catch::Matchers::Contains;
using g2d_test::thrown;

/// Logits whose greatest entry is the given class.
at::Tensor predicting(const std::vector<std::int64_t>& classes, std::int64_t num_classes) {
  return torch::one_hot(torch::tensor(classes), num_classes).to(at::kFloat).mul(3.0).sub(1.0);
}

data::InMemory two_modalities() {
  return data::InMemory({"audio", "image"}, {torch::arange(8.0).view({4, 2}), torch::arange(12.0).view({4, 3})},
                        torch::tensor({0, 1, 0, 2}), torch::tensor({10, 11, 12, 13}),
                        torch::tensor({{true, true}, {true, false}, {false, true}, {true, true}}));
}

g2d::EpochReport epoch_report(std::int64_t epoch, std::int64_t num_epochs) {
  g2d::EpochReport done;
  done.epoch = epoch;
  done.num_epochs = num_epochs;
  done.stage = "all";
  done.losses = {{"total", 0.5}};
  done.validation.fused = {{"accuracy", 0.75, true}};
  return done;
}

/// Everything that a progress bar writes during a run of 7 steps an epoch.
void run_bar(std::FILE* stream, std::int64_t num_epochs) {
  g2d::TrainerOptions options;
  g2d::ProgressBar::attach(options, "student", stream);
  for (std::int64_t epoch = 0; epoch < num_epochs; ++epoch) {
    for (std::int64_t step = 1; step <= 7; ++step) options.on_step.at(0)({epoch, num_epochs, step, 7});
    options.on_epoch.at(0)(epoch_report(epoch, num_epochs));
  }
}

}  // namespace

TEST_CASE("metrics::classification: equals the numbers by hand; macro-F1 is over the classes that occur", "[metrics]") {
  const auto target = torch::tensor({0, 0, 1, 1, 1, 2});
  const auto logits = predicting({0, 1, 1, 1, 2, 2}, 4);
  const auto expected = torch::tensor({{1, 1, 0, 0}, {0, 2, 1, 0}, {0, 0, 1, 0}, {0, 0, 0, 0}});
  CHECK(torch::equal(metrics::confusion_matrix(logits, target), expected));
  const auto figures = metrics::measure(g2d::task::Classification(), logits, target);
  REQUIRE(figures.size() == 2);
  CHECK(figures[0].name == "accuracy");
  CHECK(figures[0].value == Approx(4.0 / 6.0));
  CHECK(figures[1].name == "macro_f1");
  CHECK(figures[1].value == Approx(2.0 / 3.0));
  CHECK((figures[0].higher_is_better && figures[1].higher_is_better));
}

TEST_CASE("metrics::classification: macro-F1 is scikit-learn's and torchmetrics' where classes are absent",
          "[metrics]") {
  const auto macro_f1 = [](const std::vector<std::int64_t>& predicted, const std::vector<std::int64_t>& target) {
    return metrics::classification(predicting(predicted, 4), torch::tensor(target, at::kLong))[1].value;
  };
  CHECK(macro_f1({0, 0, 1, 1}, {0, 0, 1, 1}) == Approx(1.0));
  CHECK(macro_f1({2, 2}, {2, 2}) == Approx(1.0));                            // one class alone
  CHECK(macro_f1({0, 3, 1, 1}, {0, 0, 1, 1}) == Approx((2.0 / 3 + 1) / 3));  // 3 is predicted and not true: 0
  CHECK(macro_f1({0, 0, 1, 1}, {0, 2, 1, 1}) == Approx((2.0 / 3 + 1) / 3));  // 2 is true and not predicted: 0
  CHECK(macro_f1({1}, {0}) == Approx(0.0));
}

TEST_CASE("metrics::multi_label: equals the numbers by hand, a label that never occurs included", "[metrics]") {
  const auto logits = torch::tensor({{2.0, -1.0, -1.0}, {0.1, 3.0, -0.1}, {-5.0, -1.0, 0.0}});
  const auto target = torch::tensor({{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {1.0, 0.0, 0.0}});
  const auto figures = metrics::measure(g2d::task::MultiLabel(), logits, target);
  CHECK(figures[0].name == "accuracy");
  CHECK(figures[0].value == Approx(7.0 / 9.0));
  CHECK(figures[1].name == "macro_f1");
  CHECK(figures[1].value == Approx((0.5 + 1.0 + 0.0) / 3.0));
}

TEST_CASE("metrics::regression: several outputs are pooled, R^2 against each output's own mean", "[metrics]") {
  const auto output = torch::tensor({{1.0, 2.0}, {3.0, 4.0}});
  const auto target = torch::tensor({{0.0, 2.0}, {4.0, 8.0}});
  const auto figures = metrics::measure(g2d::task::Regression(), output, target);
  REQUIRE(figures.size() == 3);
  CHECK(figures[0].name == "rmse");
  CHECK(figures[0].value == Approx(std::sqrt(4.5)));
  CHECK_FALSE(figures[0].higher_is_better);
  CHECK(figures[1].name == "mae");
  CHECK(figures[1].value == Approx(1.5));
  CHECK_FALSE(figures[1].higher_is_better);
  CHECK(figures[2].name == "r2");
  CHECK(figures[2].value == Approx(1.0 - 18.0 / 26.0));
  CHECK(figures[2].higher_is_better);
  CHECK(metrics::regression(output, torch::ones({2, 2}))[2].value == 0.0);
}

TEST_CASE("evaluate: what a modality says alone is judged on the samples that have it", "[metrics]") {
  const g2d::task::Classification task;
  const auto target = torch::tensor({0, 1, 2, 1});
  const auto says = predicting({0, 1, 0, 0}, 3);
  const auto present =
      torch::tensor({{true, true, false}, {true, true, false}, {false, true, false}, {false, true, false}});
  const auto given = g2d::evaluate(g2d::Predictions{says, {says, says, says}, target, present}, task);
  const auto some = g2d::evaluate(g2d::Predictions{says.narrow(0, 0, 2), {}, target.narrow(0, 0, 2)}, task);
  CHECK(given.num_samples == 4);
  CHECK(given.fused[0].value == 0.5);
  CHECK(given.unimodal[0][0].value == 1.0);
  CHECK(given.unimodal[0][1].value == some.fused[1].value);
  CHECK(given.unimodal_loss[0] == Approx(some.loss));
  CHECK(given.unimodal_confidence[0] == Approx(task.confidence(says, target).narrow(0, 0, 2).mean().item<double>()));
  CHECK(given.unimodal[1][0].value == 0.5);
  CHECK(given.unimodal_loss[1] == Approx(given.loss));
  REQUIRE(given.unimodal[2].size() == 2);
  CHECK(given.unimodal[2][1].name == "macro_f1");
  for (const auto& metric : given.unimodal[2]) CHECK(std::isnan(metric.value));
  CHECK(std::isnan(given.unimodal_loss[2]));
  CHECK(std::isnan(given.unimodal_confidence[2]));
}

TEST_CASE("metrics::regression: standardized outputs are judged in the unit of the target", "[metrics]") {
  const auto target = torch::tensor({{100.0, 1.0}, {300.0, 3.0}});
  const auto task = g2d::task::Regression::standardized(target);
  const auto figures = metrics::measure(task, torch::zeros({2, 2}, at::kDouble), target);
  CHECK(figures[1].value == Approx((100.0 + 1.0) / 2.0));
  CHECK(figures[2].value == Approx(0.0).margin(1e-12));
}

TEST_CASE("report: the t-quantiles are those of the tables", "[report]") {
  CHECK(report::t_quantile_975(1) == 12.706);
  CHECK(report::t_quantile_975(4) == 2.776);
  CHECK(report::t_quantile_975(30) == 2.042);
  CHECK(std::abs(report::t_quantile_975(31) - 2.03951) < 2e-4);
  CHECK(std::abs(report::t_quantile_975(40) - 2.02108) < 2e-4);
  CHECK(std::abs(report::t_quantile_975(120) - 1.97993) < 2e-4);
  CHECK(std::abs(report::t_quantile_975(100000) - 1.95999) < 2e-4);
  CHECK(std::isnan(report::t_quantile_975(0)));
}

TEST_CASE("report::paired_difference: mean and half width by hand", "[report]") {
  const std::vector<double> a{0.90, 0.80, 0.85, 0.95, 0.90};
  const std::vector<double> b{0.80, 0.80, 0.80, 0.80, 0.90};
  CHECK(report::standard_deviation(std::vector<double>{0.1, 0.0, 0.05, 0.15, 0.0}) == Approx(std::sqrt(0.00425)));
  const auto difference = report::paired_difference(a, b);
  CHECK(difference.mean == Approx(0.06));
  CHECK(difference.half_width == Approx(2.776 * std::sqrt(0.00425 / 5.0)));
  const auto one = report::paired_difference(std::vector<double>{0.5}, std::vector<double>{0.25});
  CHECK(one.mean == 0.25);
  CHECK(std::isnan(one.half_width));
  CHECK(thrown<g2d::ConfigError>([&] { (void)report::paired_difference(a, std::vector<double>{1.0}); }) ==
        "g2d: report::paired_difference: expected two lists of one length >= 1, got 5 and 1");
  CHECK(thrown<g2d::ConfigError>([&] {
          (void)report::paired_difference(std::vector<double>{}, std::vector<double>{});
        }) == "g2d: report::paired_difference: expected two lists of one length >= 1, got 0 and 0");
}

TEST_CASE("report::TextTable: columns are as wide as their characters, not their bytes", "[report]") {
  report::TextTable table({"method", "ρ", "± std"});
  table.add({"élève", "0.9", "1"});
  table.add({"joint"});
  CHECK(table.str() ==
        "| method |   ρ | ± std |\n"
        "|--------|----:|------:|\n"
        "| élève  | 0.9 |     1 |\n"
        "| joint  |     |       |\n");
}

TEST_CASE("learning_rate: the values of each schedule", "[learning_rate]") {
  const auto step = g2d::learning_rate::step(200, 0.1);
  CHECK(step(0, 600) == 1.0);
  CHECK(step(199, 600) == 1.0);
  CHECK(step(200, 600) == Approx(0.1));
  CHECK(step(399, 600) == Approx(0.1));
  CHECK(step(400, 600) == Approx(0.01));
  const auto drop = g2d::learning_rate::drop_after(0.7, 0.5);
  CHECK(drop(27, 40) == 1.0);
  CHECK(drop(28, 40) == 0.5);
  CHECK(drop(39, 40) == 0.5);
  // A share that rounding puts just above a whole number of epochs is that number.
  using Drop = std::tuple<double, std::int64_t, std::int64_t>;
  for (const auto& [share, num_epochs, first] : {Drop{0.55, 100, 55}, Drop{0.07, 100, 7}, Drop{0.14, 50, 7},
                                                 Drop{0.28, 50, 14}, Drop{0.29, 100, 29}, Drop{0.331, 10, 4}}) {
    const auto drops = g2d::learning_rate::drop_after(share, 0.5);
    CHECK(drops(first - 1, num_epochs) == 1.0);
    CHECK(drops(first, num_epochs) == 0.5);
  }
  CHECK(g2d::share_of(0.29, 100) == 29.0);  // 28.999999999999996
  CHECK(g2d::share_of(0.295, 100) == 29.5);
  CHECK(g2d::learning_rate::constant()(5, 10) == 1.0);
  CHECK(thrown<g2d::ConfigError>([] { (void)g2d::learning_rate::step(0); }) ==
        "g2d: learning_rate::step: expected period >= 1, got 0");
}

TEST_CASE("data::shuffled_batches: a pure function of seed and epoch", "[data][batch_order]") {
  const auto order = [](std::uint64_t seed, std::int64_t epoch) {
    return torch::cat(data::shuffled_batches(50, 8, seed, epoch));
  };
  torch::manual_seed(1);
  const auto next = torch::rand({4});
  torch::manual_seed(1);
  const auto first = order(7, 3);
  CHECK(torch::equal(torch::rand({4}), next));  // LibTorch's own generator was not moved
  torch::manual_seed(99);
  CHECK(torch::equal(order(7, 3), first));
  CHECK_FALSE(torch::equal(order(7, 4), first));
  CHECK_FALSE(torch::equal(order(8, 3), first));
  CHECK(torch::equal(std::get<0>(first.sort()), torch::arange(50)));
}

TEST_CASE("data::cut: a last batch of one joins the batch before it", "[data][batch_order]") {
  const auto sizes = [](std::int64_t num_samples, std::int64_t batch_size) {
    std::vector<std::int64_t> all;
    for (const auto& rows : data::ordered_batches(num_samples, batch_size)) all.push_back(rows.size(0));
    return all;
  };
  CHECK(sizes(9, 4) == std::vector<std::int64_t>{4, 5});
  CHECK(sizes(10, 4) == std::vector<std::int64_t>{4, 4, 2});
  CHECK(sizes(8, 4) == std::vector<std::int64_t>{4, 4});
  CHECK(sizes(5, 4) == std::vector<std::int64_t>{5});
  CHECK(sizes(3, 1) == std::vector<std::int64_t>{1, 2});
  CHECK(sizes(1, 4) == std::vector<std::int64_t>{1});
  CHECK(torch::equal(torch::cat(data::ordered_batches(9, 4)), torch::arange(9)));
  CHECK(thrown<g2d::ConfigError>([&] { (void)sizes(4, 0); }) == "g2d: batches: expected batch_size >= 1, got 0");
}

TEST_CASE("data::InMemory: a batch is the rows asked for, with their ids", "[data][in_memory]") {
  const auto dataset = two_modalities();
  const auto batch = dataset.batch(torch::tensor({3, 1}));
  CHECK(torch::equal(batch.inputs[0].values, torch::tensor({{6.0, 7.0}, {2.0, 3.0}})));
  CHECK(torch::equal(batch.inputs[1].values, torch::tensor({{9.0, 10.0, 11.0}, {3.0, 4.0, 5.0}})));
  CHECK(torch::equal(batch.target, torch::tensor({2, 1})));
  CHECK(torch::equal(batch.sample_ids, torch::tensor({13, 11})));
  CHECK(torch::equal(batch.present, torch::tensor({{true, true}, {true, false}})));
  const auto some = dataset.subset(torch::tensor({2, 3}));
  CHECK(some.size() == 2);
  CHECK(torch::equal(some.batch(torch::tensor({0})).sample_ids, torch::tensor({12})));
  const data::InMemory numbered({"audio"}, {torch::zeros({3, 1})}, torch::tensor({0, 0, 0}));
  CHECK(torch::equal(numbered.all().sample_ids, torch::arange(3)));
}

TEST_CASE("data::InMemory: lengths of sequences go with their rows", "[data][in_memory]") {
  const data::InMemory dataset({"text"}, {{torch::randn({3, 5, 2}), torch::tensor({5, 2, 4})}},
                               torch::tensor({0, 1, 0}));
  CHECK(torch::equal(dataset.batch(torch::tensor({1, 2})).inputs[0].lengths, torch::tensor({2, 4})));
}

TEST_CASE("data::InMemory: sizes and values that do not fit are named", "[data][in_memory]") {
  const g2d::ModalityNames names{"audio", "image"};
  const auto good = torch::zeros({2, 3});
  const auto target = torch::tensor({0, 1});
  const auto nan = torch::full({2, 3}, std::nan(""));
  CHECK(thrown<g2d::DataError>([&] { data::InMemory(names, {good, good}, torch::empty({0}, at::kLong)); }) ==
        "g2d: data::InMemory: expected at least one sample, got an empty dataset");
  CHECK(thrown<g2d::ShapeError>([&] { data::InMemory(names, {good}, target); }) ==
        "g2d: Batch: expected 2 inputs (audio, image), got 1");
  CHECK(thrown<g2d::ShapeError>([&] { data::InMemory(names, {good, torch::zeros({3, 3})}, target); }) ==
        "g2d: Batch: modality \"image\": expected 2 samples as in the target, got [3, 3]");
  CHECK(thrown<g2d::ShapeError>([&] { data::InMemory(names, {good, good}, target, torch::arange(3)); }) ==
        "g2d: Batch: expected sample_ids int64 [2] in host memory, got Long [3] on cpu");
  CHECK(thrown<g2d::ShapeError>([&] { data::InMemory(names, {good, good}, target, {}, torch::ones({2, 2})); }) ==
        "g2d: Batch: expected present of dtype bool");
  CHECK(thrown<g2d::DataError>([&] { data::InMemory(names, {good, nan}, target); }) ==
        "g2d: data::InMemory: modality \"image\": expected finite values, got NaN or infinity");
  CHECK(thrown<g2d::DataError>([&] { data::InMemory(names, {good, good}, nan); }) ==
        "g2d: data::InMemory: target: expected finite values, got NaN or infinity");
}

TEST_CASE("data: fingerprints tell every part of a dataset from another", "[data][in_memory]") {
  const auto with = [](double value, std::int64_t label, std::int64_t id, bool is_present, const char* name) {
    return data::InMemory({name}, {torch::tensor({{1.0}, {value}})}, torch::tensor({0L, label}),
                          torch::tensor({0L, id}), torch::tensor({{true}, {is_present}}))
        .fingerprint();
  };
  const auto first = with(2.0, 1, 1, true, "audio");
  CHECK(with(2.0, 1, 1, true, "audio") == first);
  const std::set<std::string> all{first,
                                  with(2.5, 1, 1, true, "audio"),
                                  with(2.0, 0, 1, true, "audio"),
                                  with(2.0, 1, 2, true, "audio"),
                                  with(2.0, 1, 1, false, "audio"),
                                  with(2.0, 1, 1, true, "image")};
  CHECK(all.size() == 6);
  const auto values = torch::randn({5});
  CHECK(g2d::Fingerprint().add(at::_neg_view(values)).str() == g2d::Fingerprint().add(-values).str());
}

TEST_CASE("data::SingleModality: one modality of the samples that have it", "[data]") {
  const auto dataset = two_modalities();
  const data::SingleModality image(dataset, 1);
  CHECK(image.names() == g2d::ModalityNames{"image"});
  CHECK(image.size() == 3);
  CHECK(image.is_deterministic());
  const auto check = [&](const g2d::Batch& batch) {
    const auto all = dataset.batch(torch::tensor({2, 0}));
    REQUIRE(batch.inputs.size() == 1);
    CHECK(torch::equal(batch.inputs[0].values, all.inputs[1].values));
    CHECK(torch::equal(batch.target, all.target));
    CHECK_FALSE(batch.present.defined());
    CHECK(torch::equal(batch.sample_ids, torch::tensor({12, 10})));
  };
  check(image.batch(torch::tensor({1, 0})));
  check(data::stream(image, {torch::tensor({1, 0})}).next());
  CHECK(torch::equal(image.targets(), dataset.targets().index_select(0, torch::tensor({0, 2, 3}))));
  CHECK(data::SingleModality(dataset, 0).size() == 3);
  CHECK(image.fingerprint() != data::SingleModality(dataset, 0).fingerprint());
}

TEST_CASE("data::Subset: some rows of the same samples", "[data]") {
  const auto dataset = two_modalities();
  const data::Subset some(dataset, torch::tensor({3, 0}));
  CHECK(some.size() == 2);
  CHECK(torch::equal(some.batch(torch::tensor({0})).sample_ids, torch::tensor({13})));
  CHECK(some.fingerprint() != data::Subset(dataset, torch::tensor({0, 3})).fingerprint());
}

TEST_CASE("ProgressBar: a log file gets about ten whole lines and no escape codes", "[progress_bar]") {
  const g2d_test::TemporaryFolder folder;
  for (const std::int64_t num_epochs : {1, 5, 10, 11, 19, 40, 99, 300}) {
    INFO(num_epochs << " epochs");
    const auto path = folder / "log";
    std::FILE* stream = std::fopen(path.c_str(), "w");
    run_bar(stream, num_epochs);
    std::fclose(stream);
    const auto text = g2d_test::read_bytes(path);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    if (num_epochs <= 10) {
      CHECK(lines == num_epochs);
    } else {
      CHECK((lines >= 5 && lines <= 11));
    }
    CHECK(text.back() == '\n');
    CHECK_THAT(text, Contains(fmt::format("student epoch {0}/{0}  [all] loss 0.5000  validation accuracy 0.7500",
                                          num_epochs)));
  }
}

TEST_CASE("ProgressBar: skipped steps are told", "[progress_bar]") {
  const g2d_test::TemporaryFolder folder;
  std::FILE* stream = std::fopen((folder / "log").c_str(), "w");
  g2d::ProgressBar bar("student", stream);
  auto done = epoch_report(0, 1);
  done.num_skipped = 3;
  bar.on_epoch(done);
  std::fclose(stream);
  CHECK_THAT(g2d_test::read_bytes(folder / "log"), Contains("(3 steps skipped: not finite)"));
}

TEST_CASE("ProgressBar: a terminal gets one line, drawn in place and cleared at the end", "[progress_bar]") {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  REQUIRE(terminal >= 0);
  REQUIRE(::grantpt(terminal) == 0);
  REQUIRE(::unlockpt(terminal) == 0);
  std::FILE* stream = std::fopen(::ptsname(terminal), "w");
  REQUIRE(stream != nullptr);
  run_bar(stream, 2);
  std::string text(4096, '\0');
  const auto size = ::read(terminal, text.data(), text.size());
  std::fclose(stream);
  ::close(terminal);
  REQUIRE(size > 0);
  text.resize(static_cast<std::size_t>(size));
  const std::string erase = "\r\x1b[K";
  CHECK(text.find('\n') == std::string::npos);
  CHECK_THAT(text, Contains(erase + "student"));
  CHECK(text.substr(text.size() - erase.size()) == erase);
  CHECK(text.size() <= 80 + 2 * erase.size());  // one drawing in a tenth of a second
}
