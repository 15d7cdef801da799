/* The version of this build, for --version and the like. */
#ifndef RELAY_VERSION_H
#define RELAY_VERSION_H

#define ENTENTE_VERSION "1.0.0"

#endif
