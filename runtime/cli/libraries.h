/* The libraries that the command found when it ran. */
#ifndef TESSERA_CLI_LIBRARIES_H
#define TESSERA_CLI_LIBRARIES_H

typedef struct tsr__library {
  char name[16];
  char version[40]; /* "" = not there */
  char reason[192]; /* why it is not, where more is known than that; else "" */
  const char *use;  /* what for */
} tsr__library;

enum { TSR__LIBRARIES = 8 };

void tsr__libraries(tsr__library libraries[TSR__LIBRARIES]);

#endif
