#include <stdio.h>
#include <string.h>
#include <tessera/tessera.h>

/* Ends with 0 if the library that was linked is the one whose headers were found. */
int main(void) {
  printf("C, tessera %s: %s\n", tsr_version(), tsr_status_text(TSR_OK));
  return strcmp(tsr_version(), TSR_VERSION) != 0;
}
