/* Subcommands run by another one, each in a process of its own. */
#ifndef TESSERA_CLI_CHILD_H
#define TESSERA_CLI_CHILD_H

#include "tessera/status.h"

/* Runs this program with argv (argv[0] is not looked at, NULL at the end), its output thrown away
 * and its messages kept in the file `errors`. Returns the status that it ended with, its message
 * having become tsr_last_error's. */
tsr_status tsr__child_run(const char *const *argv, const char *errors);

#endif
