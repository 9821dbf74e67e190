// SPDX-License-Identifier: GPL-2.0
//
// experiment_window - module/core's, compiled for this module. Kbuild names an object by its
// source, and module/ has that object already. Nothing of its own belongs here.
#include "../../module/core/experiment_window.cc"
