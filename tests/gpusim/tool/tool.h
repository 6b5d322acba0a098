/* gpusim, the command: what its files share. */
#ifndef GPUSIM_TOOL_TOOL_H
#define GPUSIM_TOOL_TOOL_H

#include <string>

namespace gpusim::tool {

enum ExitCode { kOk = 0, kFailed = 1, kUsage = 2 };

/* False when the file can't be read; then stderr says why. */
bool read_file(const char *path, std::string *text);

/* Lists the opcodes that a file needs, and those that can't be executed. */
int list_opcodes(const char *path);

}  // namespace gpusim::tool

#endif
