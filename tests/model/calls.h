/*
 * calls.h - which of the system's calls the model answers: the linker sends
 * those of libspool here (-Wl,--wrap).  Descriptors that are not the model's go
 * to the system.
 */
#ifndef MODEL_CALLS_H
#define MODEL_CALLS_H

/*
 * Which fsync: by whom sp_sync was called and by whom that one, as offsets in
 * the program ("1a2b0 1c3d0"; addr2line knows them), or by what is synced: a
 * directory's name, or "file".
 */
#define SITES 128
struct sync_site {
	char what[48];
	unsigned long calls;
};
extern struct sync_site sync_site[SITES];
extern int sync_sites;

#endif
