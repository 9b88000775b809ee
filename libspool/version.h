/*
 * version.h - the one place that says which version this is.
 */
#ifndef SP_VERSION_H
#define SP_VERSION_H

#define SP_VERSION "0.1.0"

#endif
