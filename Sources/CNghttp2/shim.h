#include <sys/types.h>
#include <sys/uio.h>
#include <nghttp2/nghttp2.h>
