#include <tessera/tessera.h>

#include <cstdio>
#include <cstring>

/* Ends with 0 if the library that was linked is the one whose headers were found. */
int main() {
  std::printf("C++, tessera %s: %s\n", tsr_version(), tsr_status_text(TSR_OK));
  return std::strcmp(tsr_version(), TSR_VERSION) != 0;
}
