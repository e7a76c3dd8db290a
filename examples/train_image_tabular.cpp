// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Trains teachers, then students, to predict a number from photographs and a table.
//
//   train_image_tabular houses --data DIR
//   train_image_tabular houses --data DIR --modalities frontal kitchen table --shared-encoder frontal kitchen
//   train_image_tabular mis_me --data DIR --inspect
//
// Prints and writes what train_audio_visual does; errors are in the unit of the target.

#include "support/image_tabular_choices.hpp"
#include "support/trainer_program.hpp"

int main(int argc, char** argv) {
  return run_trainer(argc, argv, "Trains G2D and its baselines to predict a number from photographs and a table.",
                     {houses_choice(), mis_me_choice()});
}
