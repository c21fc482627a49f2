/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SCALE_PROGRAM_H
#define SCALE_PROGRAM_H

#include "kapi.h"

/** program_hash() - of this very program: files of another one are of no use */
u64 program_hash(void);

#endif /* SCALE_PROGRAM_H */
