/*
 * crash.h - named points between the steps of a transition, for the crash
 * matrix.  Only a build with -DSP_CRASH_POINTS has them; elsewhere they are
 * nothing at all.
 */
#ifndef SP_CRASH_H
#define SP_CRASH_H

#ifdef SP_CRASH_POINTS
/* SIGKILL to ourselves when $SPOOL_CRASH is "point" or "point:N" (the Nth
 * time).  With $SPOOL_CRASH_LOG every point passed is appended there. */
void sp_crash_at(const char *point);
#define SP_CRASH(point) sp_crash_at(point)
/* A point named from two parts: the step and the place in it. */
void sp_crash_in(const char *step, const char *place);
#define SP_CRASH_IN(step, place) sp_crash_in(step, place)
#else
#define SP_CRASH(point)          ((void)0)
#define SP_CRASH_IN(step, place) ((void)0)
#endif

#endif
