// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Trains teachers, then students, on features of text, sound and vision, or on whatever a manifest lists.
//
//   train_features ur_funny --data DIR        train.npz, validation.npz, test.npz; tools/convert_features.py makes them
//   train_features iemocap --data DIR
//   train_features manifest --data FILE       a CSV or JSON of files and columns for each modality
//   train_features trimodal                   made-up tones, stripes and words; trimodal-regression: a number behind
//   them
//
// Prints and writes what train_audio_visual does.

#include "support/feature_choices.hpp"
#include "support/trainer_program.hpp"
#include "support/trimodal_choices.hpp"

int main(int argc, char** argv) {
  return run_trainer(
      argc, argv, "Trains G2D and its baselines on features of text, sound and vision, or on what a manifest lists.",
      {ur_funny_choice(), iemocap_choice(), manifest_choice(), trimodal_choice(), trimodal_regression_choice()});
}
