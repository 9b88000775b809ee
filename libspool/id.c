/*
 * id.c - ids, days, and workers' names: the parts of a name that stand on
 * their own.  Pure: no clock and no dice, which the caller brings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libspool/name.h"

#define HEX       "0123456789abcdef"
#define NONCE_LEN 6 /* of W = NAME-nnnnnn */
#define DAY_MS    INT64_C(86400000)
#define LAST_MS   INT64_C(253402300799999) /* the end of 9999 */

/* The number in exactly `len` digits; -1 if they are not there. */
static int
digits(const char *text, size_t len)
{
	int value = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* ---- the calendar (Gregorian, UTC, no leap seconds) ---- */

static bool
leap_is(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return month == 2 && leap_is(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to the first of January. */
static int64_t
year_start(int year)
{
	int64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static bool
day_at(const char *text)
{
	int year = digits(text, 4), month, day;

	if (year < 1970)
		return false;
	month = digits(text + 4, 2);
	if (month < 1 || month > 12)
		return false;
	day = digits(text + 6, 2);
	return day >= 1 && day <= month_days(year, month);
}

/* ---- ids ---- */

enum sp_status
sp_id_parse(const char *text, struct sp_id *id_out)
{
	int hour, minute, second;

	if (strlen(text) != SP_ID_LEN || !day_at(text) || text[8] != 'T' ||
	    text[18] != '-' || strspn(text + 19, HEX) != 8)
		return SP_BAD;
	hour = digits(text + 9, 2);
	minute = digits(text + 11, 2);
	second = digits(text + 13, 2);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
	    second > 59 || digits(text + 15, 3) < 0)
		return SP_BAD;
	memcpy(id_out->text, text, SP_ID_LEN + 1);
	return SP_OK;
}

void
sp_id_make(int64_t ms, uint32_t bits, struct sp_id *id_out)
{
	int64_t day, rest;
	int year, month = 1, left;
	char text[64];

	if (ms < 0)
		ms = 0;
	if (ms > LAST_MS)
		ms = LAST_MS;
	day = ms / DAY_MS;
	rest = ms % DAY_MS;

	year = 1970 + (int)(day / 366); /* never too late, so walk on */
	while (year_start(year + 1) <= day)
		year++;
	left = (int)(day - year_start(year));
	while (left >= month_days(year, month))
		left -= month_days(year, month++);

	(void)snprintf(text, sizeof text, "%04d%02d%02dT%02d%02d%02d%03d-%08x",
	    year, month, left + 1, (int)(rest / 3600000),
	    (int)(rest / 60000 % 60), (int)(rest / 1000 % 60),
	    (int)(rest % 1000), bits);
	memcpy(id_out->text, text, SP_ID_LEN);
	id_out->text[SP_ID_LEN] = '\0';
}

int64_t
sp_id_ms(const struct sp_id *id)
{
	const char *text = id->text;
	int year = digits(text, 4), month = digits(text + 4, 2);
	int64_t days = year_start(year) + digits(text + 6, 2) - 1;

	for (int m = 1; m < month; m++)
		days += month_days(year, m);
	return days * DAY_MS + digits(text + 9, 2) * INT64_C(3600000) +
	    digits(text + 11, 2) * 60000 + digits(text + 13, 2) * 1000 +
	    digits(text + 15, 3);
}

uint32_t
sp_id_bits(const struct sp_id *id)
{
	return (uint32_t)strtoul(id->text + SP_ID_LEN - 8, NULL, 16);
}

void
sp_id_day(const struct sp_id *id, char day_out[SP_DAY_LEN + 1])
{
	memcpy(day_out, id->text, SP_DAY_LEN);
	day_out[SP_DAY_LEN] = '\0';
}

bool
sp_day_ok(const char *text)
{
	return day_at(text) && text[SP_DAY_LEN] == '\0';
}

/* ---- workers ---- */

void
sp_worker_make(
    const char *base, uint32_t nonce, char worker_out[SP_WORKER_MAX + 1])
{
	size_t len = 0;

	for (; base[len] != '\0' && len < SP_BASE_MAX; len++)
		worker_out[len] =
		    strchr(SP_WORD, base[len]) != NULL ? base[len] : '-';
	if (len == 0)
		worker_out[len++] = 'x';
	(void)snprintf(worker_out + len, NONCE_LEN + 2, "-%06x",
	    (unsigned)(nonce & 0xffffff));
}

bool
sp_worker_ok(const char *worker)
{
	size_t len = strlen(worker);
	const char *nonce;

	if (len < 1 + 1 + NONCE_LEN || len > SP_WORKER_MAX ||
	    strspn(worker, SP_WORD) != len)
		return false;
	nonce = worker + len - NONCE_LEN;
	return nonce[-1] == '-' && strspn(nonce, HEX) == NONCE_LEN;
}

bool
sp_worker_kin(const char *a, const char *b)
{
	size_t len = strlen(a);

	return len == strlen(b) && sp_worker_ok(a) && sp_worker_ok(b) &&
	    memcmp(a, b, len - NONCE_LEN) == 0;
}
