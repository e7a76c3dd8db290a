// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/device_constant.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/parameter_group.hpp>
#include <g2d/core/teacher_outputs.hpp>
#include <g2d/encoder/precision.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/optimizer/optimizer.hpp>
#include <g2d/train/detail/buffer_guard.hpp>
#include <g2d/train/detail/encode_controlled.hpp>
#include <g2d/train/detail/loss_scaler.hpp>
#include <g2d/train/detail/parameter_groups.hpp>
#include <g2d/train/detail/separate_gradients.hpp>
#include <g2d/train/detail/student_access.hpp>
#include <g2d/train/observer.hpp>
#include <g2d/train/step_options.hpp>
#include <g2d/train/work.hpp>

namespace g2d {

/// What one step gives back. All tensors stay on their device, so that nothing waits.
struct StepResult {
  at::Tensor total;     ///< The loss, detached; of all substeps together.
  method::Terms terms;  ///< Its summands, detached, unweighted.
  at::Tensor fused;     ///< The student's outputs [B, C] of the kept rows, detached; of the last substep.
  /// 0-dim float: 1 when the step did not count for something was not finite, else 0. Undefined: off.
  at::Tensor is_skipped;
  at::Tensor present;  ///< bool [B, M], of the kept rows; undefined: all have all.
};

/// One training step: forward, loss terms, suppression, backward, modulation, clipping, update. No files, no printing.
///
///     Step step(student, method::G2d<task::Classification>(), {.optimizer = optimizer::Sgd{}, .num_epochs = 40},
///     teachers); for (epoch...) { step.begin_epoch(epoch); for (batch...) step(batch, &teacher_outputs); }
///
/// The modes (train, eval) and `requires_grad` of the student's modules are the caller's; a suppressed encoder is run
/// in evaluation mode and put back. Nothing of it is updated, whatever gave its parameters a gradient: a penalty on all
/// weights, a head that shares one of them. A step that is not finite changes nothing: no weight, no optimizer state,
/// no norm buffer.
///
/// Shapes     see Batch and TeacherOutputs. M is the student's.
/// Device     the student's; batch and teacher outputs must be there, sample ids in host memory. No host sync in a
///            step, but one for each encoder in training mode where the batch has a mask of presence.
/// Cost       as the same step written by hand; suppressed encoders cost one forward pass without a graph.
/// Errors     at construction: those of the method's parts. In a step: ShapeError, DataError; nothing is changed then,
///            but for norm buffers with FiniteCheck::Off, which keeps no copy of them. Where a method plans several
///            substeps, the updates of those before the one that fails stay.
template <class Student, method::MethodPolicy Method>
class Step {
 public:
  Step(Student& student, Method method, StepOptions options = {}, std::optional<TeacherSummary> teachers = std::nullopt)
      : student_(student),
        method_(std::move(method)),
        options_(options),
        teachers_(std::move(teachers)),
        view_(student, work_) {
    if (options_.num_epochs < 1)
      throw ConfigError(fmt::format("g2d: Step: expected num_epochs >= 1, got {}", options_.num_epochs));
    if (!(options_.clip_norm >= 0.0))
      throw ConfigError(fmt::format("g2d: Step: expected clip_norm >= 0, got {}", options_.clip_norm));
    for (std::size_t m = 0; m < student_.num_modalities(); ++m)
      guards_.emplace_back(student_.encoder(m).module()->buffers());
    begin_run();
  }

  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  /// Starts anew, as a new Step would: the method begins again, the optimizer and the loss scale forget, and steps and
  /// work are counted from 0. The student keeps its weights, and the observer stays. The first run needs no call.
  void begin_run() {
    work_.forwards.assign(student_.num_modalities(), 0);
    work_.backwards.assign(student_.num_modalities(), 0);
    work_.updates = 0;
    step_ = 0;
    is_prepared_ = false;
    begin_method();
    groups_ = student_.parameter_groups();
    append_method_parameters();
    optimizer_.emplace(options_.optimizer, groups_);
    scaler_.emplace(needs_loss_scale(), student_.parameters().front().options());
    begin_epoch(0);
  }

  /// Lets a method that looks at data between epochs do so; before `begin_epoch`.
  void prepare(method::Run& run) {
    is_prepared_ = true;  // Before, for a trial takes steps.
    method::detail::prepare(method_, run);
  }

  /// Plans the epoch: who is suppressed in it. `epoch` is 0-based.
  void begin_epoch(std::int64_t epoch) {
    epoch_ = epoch;
    plan_ = method::Plan{.controls = method::Controls(student_.num_modalities())};
    method::detail::plan(method_, epoch, plan_);
    if (plan_.num_substeps < 1)
      throw ConfigError(fmt::format("g2d: Step: expected a plan with num_substeps >= 1, got {}", plan_.num_substeps));
    for (std::size_t g = 0; g < groups_.size(); ++g) optimizer_->set_group_factor(g, planned_factor(groups_[g]));
    if (plan_.resets_optimizer) (void)optimizer_->exchange_memory();
  }

  /// One step. `teachers` holds the teachers' outputs for the rows of the batch; null for methods without teachers.
  /// `known_features[m]`, where defined, [B, D_m]: the features of an encoder that stands still, which is not run then;
  /// its input may be without values unless the method needs inputs.
  StepResult operator()(const Batch& batch, const TeacherOutputs* teachers = nullptr,
                        ModalitySpan<at::Tensor> known_features = {}) {
    check_batch(batch, student_.names(), [&](std::size_t m) {
      return !plan_.controls[m].skipped && (known_features.size() <= m || !known_features[m].defined());
    });
    check_teachers(batch, teachers);
    check_known_features(batch, known_features);
    if (!is_prepared_ && method::detail::prepares(method_)) {
      throw ConfigError(
          "g2d: Step: this method looks at data between epochs; train it with Trainer, or call prepare(run) first");
    }
    StepResult result;
    for (std::int64_t substep = 0; substep < plan_.num_substeps; ++substep) {
      merge(result,
            guarded({epoch_, step_, batch, teachers, substep, &view_, observer_.on_step != nullptr}, known_features));
    }
    ++step_;
    return result;
  }

  /// Whether somebody hears the teachers' logits, each for itself, in a step with this batch.
  [[nodiscard]] bool needs_teacher_logits(const Batch& batch) const {
    return method::detail::needs(method_).teacher_logits || observer_.on_step || batch.present.defined();
  }

  void set_observer(Observer observer) { observer_ = std::move(observer); }
  void set_learning_rate_factor(double factor) { optimizer_->set_learning_rate_factor(factor); }
  [[nodiscard]] double learning_rate() const { return optimizer_->learning_rate(); }
  [[nodiscard]] const Method& method() const { return method_; }
  [[nodiscard]] Student& student() const { return student_; }
  [[nodiscard]] const std::vector<ParameterGroup>& parameter_groups() const { return groups_; }
  /// What is planned for this epoch.
  [[nodiscard]] const method::Plan& plan() const { return plan_; }
  [[nodiscard]] std::int64_t num_steps() const { return step_; }
  [[nodiscard]] const Work& work() const { return work_; }
  [[nodiscard]] const method::StudentView& student_view() const { return view_; }

  /// Adds passes that somebody else made for the method: through all encoders, or through one.
  void count_forwards(std::int64_t num_samples) {
    for (auto& forwards : work_.forwards) forwards += num_samples;
  }
  void count_forwards(std::size_t m, std::int64_t num_samples) { work_.forwards[m] += num_samples; }

  /// Steps that `run` makes count as none, and no observer hears of them: the optimizer starts anew for them and is put
  /// back, as are the plan, the loss scale, the method's parameters and the counted steps. The student is the caller's
  /// to put back.
  template <class Function>
  void apart(Function&& run) {
    auto memory = optimizer_->exchange_memory();
    auto scaler = scaler_->copy();
    auto observer = std::exchange(observer_, {});
    const auto step = step_;
    const auto last_epoch = epoch_;
    auto plan = plan_;
    const auto parameters = method::detail::parameters(method_);
    std::vector<at::Tensor> values;
    for (const auto& parameter : parameters) values.push_back(parameter.value.detach().clone());
    const auto put_back = [&] {
      const at::NoGradGuard no_grad;
      for (std::size_t i = 0; i < values.size(); ++i) parameters[i].value.copy_(values[i]);
      optimizer_->restore(std::move(memory));
      plan_ = std::move(plan);
      epoch_ = last_epoch;
      scaler_ = std::move(scaler);
      observer_ = std::move(observer);
      step_ = step;
    };
    try {
      run();
    } catch (...) {
      put_back();
      throw;
    }
    put_back();
  }

 private:
  void begin_method() {
    if (method::detail::needs(method_).teachers && !teachers_) {
      throw ConfigError("g2d: Step: this method distils from teachers, got none; give a TeacherSummary");
    }
    if (teachers_ && teachers_->names && !(*teachers_->names == student_.names())) {
      throw ConfigError(fmt::format("g2d: Step: expected teachers of the student's modalities ({}), got ({})",
                                    student_.names().joined(), teachers_->names->joined()));
    }
    method::Setup setup{student_.names(), {}, student_.num_outputs(), options_.num_epochs, teachers_, &view_};
    for (std::size_t m = 0; m < student_.num_modalities(); ++m)
      setup.feature_widths.push_back(student_.handed_on_width(m));
    method::detail::begin(method_, setup);
  }

  /// Connectors and the like follow the student's dtype and device.
  void append_method_parameters() {
    const auto parameters = method::detail::parameters(method_);
    const auto options = student_.parameters().front().options();
    for (const auto& parameter : parameters) parameter.value.set_data(parameter.value.to(options));
    detail::append_policy_groups(groups_, "method", parameters, student_.names());
  }

  void check_teachers(const Batch& batch, const TeacherOutputs* teachers) const {
    if (!teachers_) return;
    const bool hears_logits = needs_teacher_logits(batch) || (teachers != nullptr && !teachers->logits.empty());
    if (teachers == nullptr || (hears_logits && teachers->logits.size() != student_.num_modalities()) ||
        teachers->features.size() != student_.num_modalities()) {
      throw ShapeError(fmt::format("g2d: Step: expected the outputs of {} teachers ({}), got {}",
                                   student_.num_modalities(), student_.names().joined(),
                                   teachers == nullptr ? 0 : teachers->logits.size()));
    }
    for (std::size_t m = 0; m < student_.num_modalities(); ++m) {
      const auto where = [&](const char* what) {
        return [this, m, what] { return fmt::format("Step: teacher \"{}\": {}", student_.names()[m], what); };
      };
      if (hears_logits) check_matrix(teachers->logits[m], batch.size(), -1, where("logits"));
      check_matrix(teachers->features[m], batch.size(), -1, where("features"));
    }
  }

  void check_known_features(const Batch& batch, ModalitySpan<at::Tensor> known) const {
    if (known.empty()) return;
    if (known.size() != student_.num_modalities()) {
      throw ShapeError(fmt::format("g2d: Step: expected known features for {} modalities ({}), got {}",
                                   student_.num_modalities(), student_.names().joined(), known.size()));
    }
    for (std::size_t m = 0; m < known.size(); ++m) {
      if (!known[m].defined()) continue;
      check_matrix(known[m], batch.size(), student_.encoder(m).feature_width(),
                   [&] { return fmt::format("Step: modality \"{}\": known features", student_.names()[m]); });
    }
  }

  [[nodiscard]] bool checks_finite() const { return options_.finite_check != FiniteCheck::Off || scaler_->is_active(); }

  [[nodiscard]] bool needs_loss_scale() const {
    for (std::size_t m = 0; m < student_.num_modalities(); ++m) {
      if (student_.encoder(m).precision() == Precision::Float16) return true;
    }
    return false;
  }

  template <class Visitor>
  void each_learning_encoder(Visitor&& visit) {
    for (std::size_t m = 0; m < guards_.size(); ++m) {
      if (!controls_[m].frozen) visit(guards_[m]);
    }
  }

  /// The learning-rate factor that is planned for a group: its modality's, and one for all modalities of a shared
  /// encoder.
  [[nodiscard]] double planned_factor(const ParameterGroup& group) const {
    if (group.modalities.empty()) return 1.0;
    const double factor = plan_.controls[group.modalities[0]].learning_rate_factor;
    for (const auto m : group.modalities) {
      if (m != group.modalities[0] && plan_.controls[m].learning_rate_factor != factor) {
        throw ConfigError(fmt::format(
            "g2d: Step: \"{}\" and \"{}\" share an encoder: expected one learning rate for both, got factors {} and {}",
            student_.names()[group.modalities[0]], student_.names()[m], factor,
            plan_.controls[m].learning_rate_factor));
      }
    }
    return factor;
  }

  /// One substep; an error leaves neither gradients nor norm statistics behind.
  StepResult guarded(const method::StepContext& context, ModalitySpan<at::Tensor> known_features) {
    controls_ = plan_.controls;
    const GuardScope guards{controls_};
    method::detail::control_batch(method_, context, controls_);
    if (checks_finite()) each_learning_encoder([](auto& guard) { guard.save(); });
    try {
      return run(context, known_features);
    } catch (...) {
      if (checks_finite()) each_learning_encoder([](auto& guard) { guard.restore(); });
      optimizer_->clear_gradients();
      throw;
    }
  }

  /// Ends the guards of the controls with itself.
  struct GuardScope {
    method::Controls& controls;
    ~GuardScope() {
      for (auto& control : controls) control.guard.reset();
    }
  };

  static void merge(StepResult& all, StepResult part) {
    if (!all.total.defined()) {
      all = std::move(part);
      return;
    }
    all.total = all.total.add(part.total);
    all.terms.append(part.terms.begin(), part.terms.end());
    all.fused = std::move(part.fused);
    all.present = std::move(part.present);
    if (part.is_skipped.defined()) all.is_skipped = all.is_skipped.maximum(part.is_skipped);
  }

  StepResult run(const method::StepContext& context, ModalitySpan<at::Tensor> known_features) {
    auto outputs = forward(context, known_features);
    method::Terms terms;
    method::detail::loss(method_, context, outputs, terms);
    if (terms.empty()) throw ConfigError("g2d: Step: expected a method with at least one loss term, got none");
    const auto total = method::total(terms);
    if (!total.requires_grad()) {
      throw ConfigError("g2d: Step: expected at least one trainable parameter that the loss reaches, got none");
    }
    method::GradientView view(groups_, student_.names());
    const auto found =
        checks_finite() ? at::zeros({}, total.options().dtype(at::kFloat).requires_grad(false)) : at::Tensor();
    backward(context.batch, outputs, terms, total, found, view);
    forget_frozen();
    const auto norms = gradient_norms(view);
    modulate(context, outputs, view);
    forget_frozen();  // Those that a hook gave.
    notify(context, outputs, terms, total, view, norms);
    if (options_.clip_norm > 0.0) clip();
    const auto value = total.variable_data();
    find_non_finite(value, found);
    optimizer_->update(found);
    if (found.defined()) each_learning_encoder([&](auto& guard) { guard.restore_if(found); });
    optimizer_->clear_gradients();
    ++work_.updates;
    for (auto& term : terms) term.value = term.value.variable_data();
    return {value, std::move(terms), outputs.fused.variable_data(), found, outputs.kept(context.batch.present)};
  }

  void backward(const Batch& batch, const method::Outputs& outputs, const method::Terms& terms, const at::Tensor& total,
                const at::Tensor& found, method::GradientView& view) {
    std::int64_t passes = 1;
    if (method::detail::needs(method_).separate_gradients) {
      passes = detail::backward_separately(terms, groups_, *scaler_, found, view);
    } else {
      scaler_->scale(total).backward();
      scaler_->unscale(groups_, found);
    }
    for (std::size_t m = 0; m < controls_.size(); ++m) {
      if (!controls_[m].frozen && outputs.encoded[m].requires_grad() && has_trainable(m))
        work_.backwards[m] += passes * batch.size();
    }
  }

  /// Whether the caller left anything of encoder m to train. Its features alone do not tell: what stands for absent
  /// ones may be trained.
  [[nodiscard]] bool has_trainable(std::size_t m) const {
    return std::any_of(groups_.begin(), groups_.end(), [m](const ParameterGroup& group) {
      return group.role == ParameterGroup::Role::Encoder && group.serves(m) &&
             std::any_of(group.parameters.begin(), group.parameters.end(),
                         [](const at::Tensor& p) { return p.requires_grad(); });
    });
  }

  [[nodiscard]] method::Outputs forward(const method::StepContext& context, ModalitySpan<at::Tensor> known_features) {
    PerModality<at::Tensor> features;
    for (std::size_t m = 0; m < student_.num_modalities(); ++m) {
      const auto known = known_features.empty() ? at::Tensor() : known_features[m];
      features.push_back(detail::encode_controlled(student_, m, context.batch, controls_[m], known));
      if (!controls_[m].skipped && !known.defined()) work_.forwards[m] += context.batch.size();
    }
    auto fused = student_.fuse(features);
    method::Outputs outputs{std::move(fused.features), std::move(fused.logits), {}, {}, {}};
    if (method::detail::needs(method_).unimodal || observer_.unimodal)
      outputs.unimodal = student_.unimodal_logits(features);
    outputs.encoded = std::move(features);
    method::detail::forward(method_, context, outputs);
    return outputs;
  }

  void modulate(const method::StepContext& context, const method::Outputs& outputs, method::GradientView& view) {
    at::NoGradGuard no_grad;
    method::detail::gradients(method_, context, outputs, view);
    for (std::size_t m = 0; m < controls_.size(); ++m) {
      const auto& control = controls_[m];
      if (!control.frozen && control.gradient_scale.defined()) view.scale(m, control.gradient_scale, control.filter);
    }
  }

  /// A frozen encoder is run without a graph, and may be given a gradient by others all the same; what the caller froze
  /// may have one from before.
  void forget_frozen() {
    for (const auto& group : groups_) {
      const bool frozen = is_frozen(group);
      for (const auto& parameter : group.parameters) {
        if (frozen || !parameter.requires_grad()) parameter.mutable_grad().reset();
      }
    }
  }

  /// One that serves several modalities is, when all of them are.
  [[nodiscard]] bool is_frozen(const ParameterGroup& group) const {
    if (group.role == ParameterGroup::Role::Shared) return false;
    return std::all_of(group.modalities.begin(), group.modalities.end(), [&](std::size_t m) {
      return group.role == ParameterGroup::Role::Head ? controls_[m].head_frozen
                                                      : controls_[m].frozen || controls_[m].skipped;
    });
  }

  [[nodiscard]] PerModality<at::Tensor> gradient_norms(const method::GradientView& view) const {
    PerModality<at::Tensor> norms;
    if (!observer_.gradient_norms) return norms;
    at::NoGradGuard no_grad;
    for (std::size_t m = 0; m < student_.num_modalities(); ++m) {
      std::vector<at::Tensor> each{at::zeros({}, student_.parameters().front().options())};
      view.for_each(m, observer_.gradient_norm_filter,
                    [&](const at::Tensor& g) { each.push_back(at::linalg_vector_norm(g)); });
      norms.push_back(at::linalg_vector_norm(at::stack(each)));
    }
    return norms;
  }

  void notify(const method::StepContext& context, const method::Outputs& outputs, const method::Terms& terms,
              const at::Tensor& total, const method::GradientView& view, const PerModality<at::Tensor>& norms) const {
    if (!observer_.on_step) return;
    observer_.on_step({context.epoch, context.step, terms, total, outputs, controls_, context.teachers,
                       view.coefficients(), norms, gradient_norms(view)});
  }

  [[nodiscard]] std::vector<at::Tensor> gradients() const {
    std::vector<at::Tensor> gradients;
    for (const auto& group : groups_) {
      for (const auto& parameter : group.parameters) {
        if (parameter.grad().defined()) gradients.push_back(parameter.grad());
      }
    }
    return gradients;
  }

  void clip() {
    at::NoGradGuard no_grad;
    auto all = gradients();
    if (all.empty()) return;
    const auto norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(all)));
    at::_foreach_mul_(all, norm.add(1e-6).reciprocal().mul(options_.clip_norm).clamp_max(1.0));
  }

  /// Makes `found` 1 where this step must not count.
  void find_non_finite(const at::Tensor& total, at::Tensor found) {
    if (!found.defined()) return;
    at::NoGradGuard no_grad;
    auto checked = options_.finite_check == FiniteCheck::Gradients ? gradients() : std::vector<at::Tensor>();
    checked.push_back(total);
    at::_amp_foreach_non_finite_check_and_unscale_(checked, found, one_.like(found));
    scaler_->finish_step(found);
  }

  Student& student_;
  Method method_;
  StepOptions options_;
  std::optional<TeacherSummary> teachers_;
  Work work_;
  detail::StudentAccess<Student> view_;
  std::vector<ParameterGroup> groups_;
  std::optional<optimizer::Optimizer> optimizer_;
  std::optional<detail::LossScaler> scaler_;
  std::vector<detail::BufferGuard> guards_;
  Observer observer_;
  method::Plan plan_;
  method::Controls controls_;
  bool is_prepared_ = false;
  std::int64_t epoch_ = 0;
  std::int64_t step_ = 0;
  DeviceConstant one_{at::ones({}, at::kFloat)};  ///< Nothing is to be unscaled where gradients are only looked at.
};

}  // namespace g2d
