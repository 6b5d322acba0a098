/* The table and the page of a sweep. */
#ifndef TESSERA_CLI_SWEEP_PAGE_H
#define TESSERA_CLI_SWEEP_PAGE_H

#include "runtime/cli/sweep_plan.h"
#include "runtime/cli/sweep_results.h"
#include "tessera/plan.h"

/* Writes results.csv and index.html into the folder: the plan's cells that have a result. */
tsr_status tsr__sweep_write(const tsr__sweep_plan *plan, const tsr__sweep_results *results,
                            const tsr_hardware *machine, const char *title, const char *folder);

#endif
