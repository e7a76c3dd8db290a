// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Trains teachers, then students, on what is heard and seen, and compares the methods on the test split.
//
//   train_audio_visual digits                        made-up digits, no download, minutes
//   train_audio_visual digits --data DIR             MNIST's IDX files and the Free Spoken Digit recordings
//   train_audio_visual cremad --data DIR --inspect   looks at the data instead
//   train_audio_visual cremad --data DIR --seeds 0 1 2 3 4 --methods joint g2d
//
// Prints the confidence rho of the teachers by every measure, a table of test results, and paired differences between
// the methods; writes results.csv, results.json and the weights of the teachers and of the last student to the folder
// --out.

#include "support/audio_visual_choices.hpp"
#include "support/digits.hpp"
#include "support/trainer_program.hpp"

int main(int argc, char** argv) {
  return run_trainer(argc, argv, "Trains G2D and its baselines on what is heard and seen.",
                     {digits_choice(), cremad_choice(), av_mnist_choice(), vggsound_choice()});
}
