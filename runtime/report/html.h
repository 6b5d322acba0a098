#ifndef TESSERA_REPORT_HTML_H
#define TESSERA_REPORT_HTML_H

/* The page's style sheet. */
extern const char tsr__html_style[];

#endif
