// SPDX-License-Identifier: GPL-2.0
//
// busted_churn - module/core's, compiled for this module. Kbuild names an object by its
// source, and module/ has that object already. Nothing of its own belongs here.
#include "../../module/core/busted_churn.cc"
